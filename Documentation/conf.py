# SPDX-License-Identifier: GPL-2.0-only
"""`make docs`: these pages as HTML, and those of man/ as man pages too."""
import pathlib
import re

here = pathlib.Path(__file__).parent
meta = (here.parent / 'kmod' / 'META').read_text(encoding='utf-8')

project = 'winsock'
author = 'the winsock authors'
version = release = re.search(r'^Version: (\S+)', meta, re.M)[1]
# Of the man pages. Not the day on which they are made: they are kept in the tree.
today = '2026-11-25'

# The builders share what was read.
smartquotes = False
nitpicky = True
html_theme_options = {'page_width': '62em'}
html_copy_source = False
html_show_copyright = False


def man_field(path, name):
    """A field above the title of a page of man/."""
    found = re.search(rf'^:{name}: (.*)$', path.read_text(encoding='utf-8'), re.M)
    return found[1] if found else ''


man_sources = sorted((here / 'man').glob('*.rst'))
man_pages = [(f'man/{path.stem}', path.stem.rsplit('.', 1)[0],
              man_field(path, 'summary'), [], path.stem.rsplit('.', 1)[1])
             for path in man_sources]


def man_finish(app, error):
    """What sphinx cannot say, and what mandoc would warn of."""
    if error or app.builder.name != 'man':
        return
    for path in man_sources:
        page = pathlib.Path(app.outdir) / path.stem
        name, section = path.stem.rsplit('.', 1)
        also = [other for other in man_field(path, 'also').split(', ') if other]
        text = re.sub(r'^(\.SH .*\n)\.sp\n|^\.ft [CP]\n', r'\1',
                      page.read_text(encoding='utf-8'), flags=re.M)
        text = text.replace(f'.SH NAME\n{name} ', f'.SH NAME\n{", ".join([name] + also)} ', 1)
        page.write_text('.\\" SPDX-License-Identifier: GPL-2.0-only\n' + text, encoding='utf-8')
        for other in also:
            (page.parent / f'{other}.{section}').write_text(
                f'.so man{section}/{path.stem}\n', encoding='utf-8')


def setup(app):
    app.connect('build-finished', man_finish)
