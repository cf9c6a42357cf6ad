#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is Documentation/uapi.rst what uapi/linux/winsock.h says? reference.py HEADER PAGE

Names, and fields in their order, are compared here; offsets, sizes, types and values by
the compiler. Prints the differences; says nothing if there are none.
"""
import re
import subprocess
import sys


def header(path):
    """Structures with their fields, names that are defined, errors that are named."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    structs = {}
    for name, body in re.findall(r'^struct (\w+) \{\n(.*?)^\};', text, re.M | re.S):
        structs[name] = re.findall(r'^\t\w+\s+(\w+)(?:\[\d+\])?;', body, re.M)
    macros = [name for name in re.findall(r'^#define\s+(\w+)', text, re.M)
              if not name.startswith('_')]
    return structs, macros, set(re.findall(r'\bE[A-Z]{3,}\b', text))


def page(path):
    """The same of the page, and what it says of each as assertions for the compiler."""
    structs, macros, checks, at = {}, [], [], None
    with open(path, encoding='utf-8') as file:
        lines = [line.rstrip() for line in file]
    for number, line in enumerate(lines):
        after = next((text.strip() for text in lines[number + 1:] if text.strip()), '')
        found = re.match(r'\.\. c:struct:: (\w+)$', line)
        if found:
            at = found[1]
            structs[at] = []
            size = re.match(r'(\d+) bytes\.', after)
            checks.append((number, f'struct {at}: size',
                           f'sizeof(struct {at}) == {size[1] if size else -1}'))
        found = re.match(r'   \.\. c:member:: (\w+) (\w+)((?:\[\d+\])?)$', line)
        if found and at:
            kind, name, array = found.groups()
            structs[at].append(name)
            offset = re.match(r'Offset (\d+)\.', after)
            field = f'((struct {at} *)0)->{name}'
            checks.append((number, f'struct {at}: offset of {name}',
                           f'__builtin_offsetof(struct {at}, {name}) == '
                           f'{offset[1] if offset else -1}'))
            checks.append((number, f'struct {at}: type of {name}',
                           f'__builtin_types_compatible_p(__typeof__({field}), '
                           f'__typeof__({kind}{array}))'))
        found = re.match(r'\.\. c:macro:: (\w+)$', line)
        if found:
            macros.append(found[1])
            value = re.match(r'``(.*?)`` --', after)
            value = value[1] if value else 'undocumented'
            checks.append((number, f'value of {found[1]}', f'!__builtin_strcmp({found[1]}, {value})'
                           if value.startswith('"') else
                           f'(unsigned long long)({found[1]}) == ({value})'))
    return structs, macros, set(re.findall(r'\bE[A-Z]{3,}\b', '\n'.join(lines))), checks


def main():
    head, rst = sys.argv[1:3]
    structs, macros, errors = header(head)
    said_structs, said_macros, said_errors, checks = page(rst)
    wrong = []
    for name in sorted(set(structs) | set(said_structs)):
        here, there = structs.get(name), said_structs.get(name)
        if here != there:
            wrong.append(f'struct {name}: the header has {here}, the page {there}')
    for name in sorted(set(macros) ^ set(said_macros)):
        wrong.append(f'{name} is only in the {"header" if name in macros else "page"}')
    for name in sorted(errors - said_errors):
        wrong.append(f'{name} is only in the header')
    program = [f'#include "{head}"'] + [f'#line {number + 1} "{rst}"\n'
                                        f'_Static_assert({check}, "{what}");'
                                        for number, what, check in checks]
    compiled = subprocess.run(['cc', '-fsyntax-only', '-x', 'c', '-'], text=True,
                              input='\n'.join(program), capture_output=True, check=False)
    wrong += re.findall(r'^.*error: .*$', compiled.stderr, re.M)
    print('\n'.join(wrong), end='\n' if wrong else '')
    sys.exit(1 if wrong or compiled.returncode else 0)


if __name__ == '__main__':
    main()
