"""Keys in, lines out."""

import pytest

from bot.frontends.terminal.completion import Completion
from bot.frontends.terminal.editor import Leave, LineEditor

LEFT, RIGHT, UP, DOWN, HOME, END = b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B", b"\x1b[H", b"\x1b[F"


def typed(*keys: bytes) -> LineEditor:
    editor = LineEditor()
    for key in keys:
        editor.feed(key)
    return editor


def test_a_line_is_entered() -> None:
    editor = LineEditor()
    assert editor.feed(b"/help\r") == ["/help"]
    assert editor.text == ""


def test_several_lines_at_once() -> None:
    assert LineEditor().feed(b"a\nb\nc") == ["a", "b"]


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        ((b"helo", LEFT, b"l"), "hello", 4),
        ((b"hello", b"\x7f"), "hell", 4),
        ((b"hello", HOME, b"\x1b[3~"), "ello", 0),
        ((b"hello", HOME, RIGHT, END, b"!"), "hello!", 6),
        ((b"one two", b"\x17"), "one ", 4),
        ((b"one two", b"\x15"), "", 0),
        ((b"one two", HOME, b"\x0b"), "", 0),
        ((b"one two", b"\x1bb", b"x"), "one xtwo", 5),
        ((b"one two", HOME, b"\x1bf", b","), "one, two", 4),
        ((b"a", LEFT, LEFT, LEFT, b"b"), "ba", 1),
    ],
)
def test_keys_that_move_and_delete(keys: tuple[bytes, ...], text: str, cursor: int) -> None:
    editor = typed(*keys)
    assert (editor.text, editor.cursor) == (text, cursor)


def test_earlier_lines_come_back_and_the_draft_is_kept() -> None:
    editor = typed(b"first\r", b"second\r", b"draft", UP, UP)
    assert editor.text == "first"
    editor.feed(DOWN + DOWN)
    assert editor.text == "draft"


def test_a_paste_of_several_lines_stays_one_line() -> None:
    editor = LineEditor()
    assert editor.feed(b"\x1b[200~/a.jpg\n/b.jpg\x1b[201~") == []
    assert editor.text == "/a.jpg /b.jpg"


def test_letters_and_keys_may_arrive_in_pieces() -> None:
    editor = LineEditor()
    for byte in "ä→".encode() + LEFT + "ö".encode():
        editor.feed(bytes([byte]))
    assert editor.text == "äö→"


def test_unknown_keys_leave_no_trace() -> None:
    assert typed(b"a", b"\x1b[15~", b"\x1bOP", b"\x00\x07", b"b").text == "ab"


def test_ctrl_c_clears_the_line_and_then_leaves() -> None:
    editor = typed(b"draft")
    assert editor.feed(b"\x03") == []
    assert editor.text == ""
    assert editor.feed(b"\x03") == [Leave.INTERRUPT]


def test_ctrl_d_deletes_in_a_line_and_leaves_from_an_empty_one() -> None:
    editor = typed(b"ab", HOME)
    assert editor.feed(b"\x04") == []
    assert editor.text == "b"
    assert LineEditor().feed(b"\x04") == [Leave.END]


def test_tab_completes_as_far_as_candidates_agree(tmp_path: object) -> None:
    editor = LineEditor(Completion(("train", "headshot", "help"), ("linkedin", "library")))
    editor.feed(b"/he\t")
    assert (editor.text, list(editor.candidates)) == ("/he", ["/headshot ", "/help "])
    editor.feed(b"a\t")
    assert (editor.text, list(editor.candidates)) == ("/headshot ", [])
    editor.feed(b"li\t")
    assert set(editor.candidates) == {"/headshot linkedin ", "/headshot library "}
