"""What random texts are put together from: words, quotes, and what gives trouble."""

from __future__ import annotations


def _pieces(text: str) -> tuple[str, ...]:
    """The parts between ``¦``; ``␣`` is a blank and ``⏎`` a line break."""
    return tuple(part.strip().replace("␣", " ").replace("⏎", "\n") for part in text.split("¦"))


NAMES = _pieces("""
    t ¦ pays ¦ a_b ¦ _1 ¦ x1e5 ¦ 2024_t ¦ 表 ¦ größe ¦ t_${n} ¦ ${x} ¦ ${a}_${b} ¦ `a b` ¦ `a``b`
    ¦ `${x} 数`
    ¦ load ¦ as ¦ where ¦ and ¦ set ¦ into ¦ options ¦ overwrite ¦ partitionBy ¦ select
""")
TEXTS = _pieces(r"""
    ¦ /data/wine.csv ¦ a b ¦ it\'s ¦ say \"x\" ¦ \\ ¦ \n ¦ C:\temp ¦ ^\d+$ ¦ line⏎line ¦ -- ¦ /* ¦ */
    ¦ ; select 1; ¦ ${x} ¦ \${x} ¦ a${x}b ¦ ${ x.y } ¦ 數據 ¦ naïve 🙂 ¦ \u00e9 ¦ \ud83d ¦ 1 ¦ -1.5e3 ¦ {0}
    ¦ {1:score} ¦ {-1:next(named,t)} ¦ {:all} ¦ \{} ¦ ${date.plusDays(1).toString('yyyy')}
""")
VALUES = _pieces("1 ¦ -1 ¦ +2.5 ¦ .5 ¦ 1e5 ¦ -1.5E-3 ¦ true ¦ FALSE ¦ name ¦ ${x} ¦ t_${n}")
QUOTES = ('"', '"', '"', "'", "'''", '"""', "`")
SQL = _pieces(r"""
    * ¦ 1 ¦ a.b ¦ x >= 6 ¦ = ¦ , ¦ r'\' ¦ 'it''s; ok' ¦ 'a\'b;' ¦ "x;" ¦ `a``;b` ¦ ( ¦ ) ¦ (a) ¦ #
    ¦ {} ¦ a[0] ¦ 1.5e3
    ¦ /* ; /* nested */ ' */ ¦ /*+ broadcast(t) */ ¦ cast(a as int) ¦ ${x} ¦ '${x}' ¦ -- it's;⏎ ¦ '⏎'
    ¦ as a ¦ as t⏎
    ¦ from t ¦ union all select 1 ¦ ⏎set x ¦ case when a then b end ¦ to train x
""")
HEADS = _pieces("""
    select ¦ SELECT ¦ with a as (select 1) select ¦ select ¦ select ¦ select
    ¦ drop ¦ create table t as select ¦ INSERT into t ¦ show ¦ use ¦ explain select ¦ describe
    ¦ merge into
""")
COMMANDS = _pieces("show ¦ desc ¦ iff ¦ saveFile ¦ a-b ¦ fs ¦ assert ¦ top ¦ if ¦ for ¦ fi")
WORDS = _pieces("named ¦ -i ¦ /a/* ¦ :n ¦ > ¦ 1 ¦ t ¦ ${x} ¦ a=b,c ¦ _ ¦ -ls ¦ in ¦ limit")
GAPS = ("\t", "\r\n", *_pieces("⏎ ¦ ⏎␣␣ ¦ ␣␣ ¦ ␣-- it's; a comment⏎ ¦ /* so; /* is */ this */"))
OPERATORS = _pieces("== ¦ = ¦ != ¦ <> ¦ < ¦ <= ¦ > ¦ >= ¦ + ¦ - ¦ * ¦ / ¦ % ¦ and ¦ && ¦ or ¦ || ¦ like")
LEAVES = _pieces(r"""
    :n ¦ :a.b ¦ :`a b` ¦ :表 ¦ 1 ¦ 2.5e3 ¦ .5 ¦ 'x' ¦ "say 'y'" ¦ 'it\'s' ¦ true ¦ FALSE ¦ null
    ¦ :arr[0] ¦ :map['k']
    ¦ now() ¦ not true ¦ -1 ¦ ${n} ¦ (:n)
""")
TYPES = _pieces("int ¦ string ¦ decimal(10,2) ¦ array<map<string,int>> ¦ boolean")
PLACEHOLDERS = _pieces(r"""
    {} ¦ {0} ¦ {1:default} ¦ {:all} ¦ {-1:next(named,t)} ¦ \{ ¦ {0:t_${day}} ¦ ${x} ¦ \${x} ¦ {a}
""")
SAVE_MODES = _pieces("¦ ¦ overwrite ¦ append ¦ errorIfExists ¦ ignore ¦ OVERWRITE")
KEYWORDS = _pieces("""
    load ¦ select ¦ save ¦ set ¦ connect ¦ train ¦ run ¦ predict ¦ register ¦ unregister ¦ include
    ¦ as ¦ into ¦ where
    ¦ options ¦ and ¦ !if ¦ !elif ¦ !else ¦ !fi ¦ !then ¦ !for ¦ !done ¦ where a="b" ¦ csv.`x`
    ¦ as t; ¦ limit 5
""")
_VISIBLE_SIGNS = _pieces(r"""
    ; ¦ . ¦ = ¦ , ¦ ' ¦ " ¦ ` ¦ ''' ¦ -- ¦ /* ¦ */ ¦ /*+ ¦ \ ¦ ⏎ ¦ ␣ ¦ ( ¦ ) ¦ [ ¦ ] ¦ { ¦ }
    ¦ ${ ¦ $ ¦ ! ¦ : ¦ #set(
    ¦ ； ¦ ， ¦ ＝ ¦ “ ¦ ” ¦ ’ ¦ password= ¦ jdbc:x://a:b@c/ ¦ 1e5 ¦ -.5 ¦ 0x ¦ 1.2.3
""")
SIGNS = (*_VISIBLE_SIGNS, '"""', "\ufeff", "\x00", "\u2028", "\r\n")
TOKENS = (
    KEYWORDS
    + SIGNS
    + NAMES
    + TEXTS
    + SQL
    + HEADS
    + WORDS
    + GAPS
    + OPERATORS
    + PLACEHOLDERS
    + tuple(f"!{name}" for name in COMMANDS)
)
"""Anything that a script may hold."""
_NESTINGS = _pieces(r"""
    (…) ¦ select (…) ¦ […] ¦ {…} ¦ ${…} ¦ ${a…} ¦ {0:…} ¦ f(…) ¦ !if :a;⏎…!fi;⏎ ¦ !for a in 'b';…!done;
    ¦ !if '''1''';!else;…!fi; ¦ !if 1;!elif 2;…!fi; ¦ /*…*/ ¦ /*␣…␣ ¦ '…' ¦ "… ¦ `…` ¦ '''…''' ¦ \…\
    ¦ '\…' ¦ cast(…␣as int) ¦ cast(1 as array<…>) ¦ not␣… ¦ !… ¦ -… ¦ -␣… ¦ :a[…] ¦ 1+… ¦ :a and␣…
    ¦ :a ==␣… ¦ :a in (…) ¦ a.… ¦ a='b' and␣… ¦ :a is␣… ¦ set a='''…'''; ¦ !m _ -k␣… ¦ !m '''…'''
    ¦ select 1 as a,␣… ¦ select :a as :b;… ¦ load a.… ¦ as␣… ¦ where␣… ¦ select 1 as t⏎… ¦ --…⏎ ¦ a=…
    ¦ {-1:next(…)} ¦ set ${a}=… ¦ password…= ¦ ://a:…@ ¦ between 1 and␣… ¦ !fi;… ¦ !else;… ¦ set a=␣…
    ¦ !m a; /*⏎… ¦ select ( to train x␣… ¦ load csv.`x` as t⏎…
""")
NESTINGS = tuple((opening, closing) for opening, _, closing in (each.partition("…") for each in _NESTINGS))
"""What opens, and what closes it if anything."""
UNICODE = (
    (0x00, 0x20),
    (0x20, 0x7F),
    (0x20, 0x7F),
    (0x80, 0x250),
    (0x300, 0x370),  # combining marks
    (0x2000, 0x2070),  # blanks and directions
    (0x3000, 0x3100),
    (0x4E00, 0x4F00),
    (0xD800, 0xE000),  # half pairs, which come in through JSON
    (0xFE00, 0xFFFF),  # variants and full-width forms
    (0x1F300, 0x1F700),
    (0xE0000, 0xE0080),
    (0, 0x110000),
)
"""Ranges of code points."""
