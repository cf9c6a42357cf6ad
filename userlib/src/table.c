// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One word and one record for each descriptor number, in chunks made when first written
 * to and never freed: a look-up is two loads. Numbers beyond the table, which takes raised
 * system limits, have no word: the library then only forgets what it could know.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "internal.h"

#define TABLE_CHUNK	1024
#define TABLE_CHUNKS	1024

typedef _Atomic uint64_t table_word;

struct table_entry {
	table_word word;
	struct record *_Atomic record;
};

static struct table_entry *_Atomic table_chunks[TABLE_CHUNKS];

static struct table_entry *table_entry(SOCKET s)
{
	struct table_entry *chunk;

	if (s < 0 || s >= TABLE_CHUNK * TABLE_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&table_chunks[s / TABLE_CHUNK], memory_order_acquire);
	return chunk ? &chunk[s % TABLE_CHUNK] : NULL;
}

static table_word *table_find(SOCKET s)
{
	struct table_entry *entry = table_entry(s);

	return entry ? &entry->word : NULL;
}

static struct table_entry *table_make(SOCKET s)
{
	struct table_entry *entry = table_entry(s), *none = NULL, *chunk;

	if (entry || s < 0 || s >= TABLE_CHUNK * TABLE_CHUNKS)
		return entry;
	chunk = calloc(TABLE_CHUNK, sizeof(*chunk));
	if (!chunk)
		return NULL;
	if (!atomic_compare_exchange_strong(&table_chunks[s / TABLE_CHUNK], &none, chunk))
		free(chunk);
	return table_entry(s);
}

uint64_t table_get(SOCKET s)
{
	table_word *word = table_find(s);

	return word ? atomic_load_explicit(word, memory_order_relaxed) : 0;
}

void table_set(SOCKET s, uint64_t value)
{
	struct table_entry *entry = table_make(s);

	if (entry)
		atomic_store(&entry->word, value);
}

void table_change(SOCKET s, uint64_t clear, uint64_t set)
{
	struct table_entry *entry = table_make(s);
	uint64_t word = entry ? atomic_load(&entry->word) : TABLE_GOING;

	while (!(word & TABLE_GOING) &&
	       !atomic_compare_exchange_weak(&entry->word, &word, (word & ~clear) | set))
		;
}

struct record *table_record(SOCKET s)
{
	struct table_entry *entry = table_entry(s);

	return entry ? atomic_load(&entry->record) : NULL;
}

bool table_set_record(SOCKET s, struct record *record)
{
	struct table_entry *entry = record ? table_make(s) : table_entry(s);

	if (entry)
		atomic_store(&entry->record, record);
	return entry;
}

bool table_is_going(SOCKET s)
{
	table_word *word = table_find(s);

	return word && (atomic_load(word) & TABLE_GOING);
}

void table_mark(SOCKET s, uint64_t bits)
{
	table_word *word = table_find(s);

	/* A stranger's socket may be closed behind our back: note nothing of it. */
	if (word && (atomic_load(word) & TABLE_OURS))
		atomic_fetch_or(word, bits);
}

uint64_t table_leave(SOCKET s)
{
	struct table_entry *entry = table_make(s);
	uint64_t word = entry ? atomic_load(&entry->word) : TABLE_GOING;

	while (!(word & TABLE_GOING) &&
	       !atomic_compare_exchange_weak(&entry->word, &word, TABLE_GOING))
		;
	return word;
}

void table_end(SOCKET s, uint64_t value)
{
	table_word *word = table_find(s);
	uint64_t going = TABLE_GOING;

	if (word)
		atomic_compare_exchange_strong(word, &going, value);
}

void table_each(void (*visit)(SOCKET s))
{
	for (SOCKET s = 0; s < TABLE_CHUNK * TABLE_CHUNKS; s++) {
		if (!table_find(s))
			s += TABLE_CHUNK - 1;
		else if (table_get(s) & (TABLE_OURS | TABLE_GOING))
			visit(s);
	}
}

void table_each_record(void (*visit)(SOCKET s))
{
	for (SOCKET s = 0; s < TABLE_CHUNK * TABLE_CHUNKS; s++) {
		if (!table_find(s))
			s += TABLE_CHUNK - 1;
		else if (table_record(s))
			visit(s);
	}
}
