"""A file that loops, exits, crashes, floods, forks or lies is contained, and the next function is graded."""

import inspect
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from refimpl import OPS, gradcheck
from refimpl.grade import child, grade_file
from refimpl.grade.student import Raised, Remote, Stopped, Student

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX processes, signals and limits")
pytestmark = posix

# The last one is right, but for a copy of its process that it makes.
FILE = """\
import ctypes, os, subprocess, sys, time
import numpy as np
SYSTEM = os.dup(1)

class Liar:
    __array__ = __eq__ = __len__ = lambda *_: True

def {0}(x):
    while True:
        pass

def {1}(x):
    sys.exit(3)

def {2}(x):
    os._exit(4)

def {3}(x):
    ctypes.string_at(0)

def {4}(x):
    for _ in range(20_000):
        os.write(1, b"flood" * 1000)
        os.write(2, b"flood" * 1000)
    return RIGHT(x), x

def {5}(x):
    return np.empty(3 << 29, dtype=np.uint8)[:1], x

def {6}(x):
    return Liar(), x

def {7}(x):
    raise KeyboardInterrupt

def {8}(x):
    print(input())

def {9}(x):
    np.array_equal = np.allclose = np.abs = lambda *a, **k: True
    for number in range(3, 256):
        try:
            os.close(number)
        except OSError:
            pass
    return x, x

def {10}(x):
    return [], x

def {11}(x):
    os.fork()
    return RIGHT(x), x
"""
ELEMENTWISE = [
    name for name, op in OPS.items() if op.elementwise and list(inspect.signature(op.forward).parameters) == ["input"]
]


def test_every_kind_of_misbehaviour(tmp_path):
    """One file, in one run: what each function did is told, and the last is graded as if it stood alone."""
    taken = [name for name in ELEMENTWISE if name != "tanh"][:11]
    text = FILE.format(*(f"{name}_forward" for name in (*taken, "tanh")))
    (tmp_path / "mine.py").write_text(text.replace("RIGHT", "np.tanh"))
    grades = {g.name: g for g in grade_file(str(tmp_path / "mine.py"), timeout=1.0, memory=1024)}
    assert len(grades) == 12
    loop, leave, gone, crash, flood, huge, liar, interrupt, reads, closes, empty = (
        grades[f"{name}_forward"] for name in taken
    )
    right = grades["tanh_forward"]
    assert loop.stopped == "it was stopped after 1 s"
    assert {flaw.message for flaw in leave.flaws} == {"raised SystemExit: 3 (line 13)"}
    assert gone.stopped == "it ended its process, with exit status 4"
    assert crash.stopped == "its process crashed (SIGSEGV)"
    assert len(flood.printed) <= 10_000
    assert flood.printed.startswith("floodflood")
    assert {flaw.message.partition(":")[0] for flaw in huge.flaws} == {"raised MemoryError"}
    assert {flaw.message for flaw in liar.flaws} == {"returned a Liar, which is no array and no number"}
    assert all(flaw.message.startswith("raised KeyboardInterrupt:") for flaw in interrupt.flaws)
    assert all(flaw.message.startswith("raised EOFError: ") for flaw in reads.flaws)
    assert closes.stopped.startswith("it ended its process, with exit status")
    assert all("a list of 0, and it must be" in flaw.message for flaw in empty.flaws)
    for grade in (loop, leave, gone, crash, huge, liar, interrupt, reads, closes, empty):
        assert not any(grade.passed.values())
        assert grade.flaws
    assert right.full
    assert (right.stopped, right.printed) == ("", "")


def students(tmp_path, text, **limits):
    (tmp_path / "mine.py").write_text("import os, subprocess, sys, time\nimport numpy as np\n" + text)
    return Student(tmp_path / "mine.py", **{"timeout": 2.0, "memory": 0, **limits})


def ended(number):
    """Whether a process has ended; one that nobody asked for its status counts."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_it_started_ends_with_it(tmp_path):
    text = "def f():\n    child = subprocess.Popen(['sleep', '60'])\n    print(child.pid)\n    while True: pass\n"
    with students(tmp_path, text, timeout=0.7) as student:
        student.load()
        with pytest.raises(Stopped, match=r"it was stopped after 0\.7 s"):
            student.call("f", (), {})
        (number,) = student.printed().split()
    deadline = time.monotonic() + 5
    while not ended(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended(number)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="its process outlives the grader's elsewhere")
def test_it_ends_with_the_grader(tmp_path):
    """Also one that is killed, and cannot tidy up."""
    text = (
        "import os\nwith open(__file__ + '.pid', 'w') as file:\n    print(os.getpid(), file=file)\nwhile True: pass\n"
    )
    (tmp_path / "mine.py").write_text(text)
    program = "import sys\nfrom pathlib import Path\nfrom refimpl.grade.student import Student\n"
    program += "Student(Path(sys.argv[1]), 60, 0).load()\n"
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "mine.py")]) as grader:
        told = tmp_path / "mine.py.pid"
        while grader.poll() is None and not (told.exists() and told.read_text().endswith("\n")):
            time.sleep(0.01)
        number = told.read_text().strip()
        assert not ended(number)
        grader.kill()
    deadline = time.monotonic() + 5
    while not ended(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended(number)


def test_a_process_that_left_the_session_does_not_hold_the_grade_up(tmp_path):
    text = "def f():\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(3)\n        os._exit(0)\n"
    text += "    os._exit(5)\n"
    with students(tmp_path, text, timeout=1.0) as student:
        student.load()
        started = time.monotonic()
        with pytest.raises(Stopped):
            student.call("f", (), {})
        student.stop()
        assert time.monotonic() - started < 2.5


def test_what_is_sent_in_its_name_is_not_believed(tmp_path):
    """A file can reach the channel; it can send nothing but data, and what does not fit ends it."""
    text = "import gc, socket\n"
    text += "def channel():\n    return next(o for o in gc.get_objects() if isinstance(o, socket.socket))\n"
    text += "def garbage():\n    channel().sendall(b'x' * 100)\n    return 1.0\n"
    text += "def pickled():\n    channel().sendall(bytes(7) + bytes([2]) + bytes(7) + bytes([2]) + b'{}')\n"
    text += "def early():\n    m = sys.modules['__main__']\n"
    text += "    channel().sendall(m.encode({'number': 99, 'value': 1.0, 'points': 100}))\n    return 1.0\n"
    text += "def huge():\n    channel().sendall(bytes([127]) * 16)\n"
    with students(tmp_path, text) as student:
        for name in ("garbage", "pickled", "early", "huge"):
            student.load()
            with pytest.raises(Stopped, match="what it sent cannot be read"):
                student.call(name, (), {})
            assert student.stop() is None  # it was ended


def test_objects_do_not_come_back(tmp_path):
    text = "class A(np.ndarray): pass\nclass F(float): pass\n"
    text += "def f(kind):\n    return {'object': np.array([object()]), 'text': np.array(['a']), 'class': F(1),\n"
    text += "            'set': {1}, 'record': np.zeros(2, 'f8,f8'), 'function': f}[kind]\n"
    text += "def g():\n    return np.ones((2, 3)).T.view(A)\n"
    with students(tmp_path, text) as student:
        student.load()
        for kind in ("object", "text", "class", "set", "record", "function"):
            with pytest.raises(Raised, match="which is no array and no number"):
                student.call("f", (kind,), {})
        value, _, _ = student.call("g", (), {})
    assert type(value) is np.ndarray
    assert np.array_equal(value, np.ones((3, 2)))


def test_messages_are_read_as_they_were_written():
    value = {
        "arrays": [np.arange(6.0).reshape(2, 3).T, np.zeros((0, 3)), np.array(2.5), np.array([True]), np.int8([3])],
        "numbers": (1, -2.5, float("inf"), None, True, "text", np.float32(0.1)),
        "type": np.float64,
    }
    body = child.encode(value)[child.HEAD.size :]
    _, length = child.HEAD.unpack(child.encode(value)[: child.HEAD.size])
    read = child.decode(body, length)
    for ours, theirs in zip(value["arrays"], read["arrays"], strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        assert np.array_equal(ours, theirs)
    assert read["numbers"] == value["numbers"]
    assert [type(number) for number in read["numbers"]] == [type(number) for number in value["numbers"]]
    assert read["type"] is np.float64
    for damaged in (body[:-1], body + b"x", body.replace(b"<f8", b"|O8"), body.replace(b"[3, 2]", b"[9, 9]")):
        with pytest.raises(ValueError, match=r"damaged|JSON|Expecting"):
            child.decode(damaged, length)


def test_arguments_written_to_are_written_to_here(tmp_path):
    """The checker sees it, as it does in one process; a cache stays where it is."""
    text = "def f(x, options):\n    x[0] = 7\n    options['seen'] = 1\n    return x.sum(), x\n"
    text += "def b(g, x):\n    x[1] = 8\n    g += 1\n    return g * x\n"
    with students(tmp_path, text) as student:
        signatures = student.load()
        f, b = Remote(student, "f", signatures["f"], keep=True), Remote(student, "b", signatures["b"])
        x, options, g = np.zeros(2), {}, np.zeros(2)
        output, cache = f(x, options)
        assert output == 7
        assert np.array_equal(x, [7, 0])
        assert options == {"seen": 1}
        assert np.array_equal(b(g, cache), [7, 8])
        assert np.array_equal(x, [7, 8])
        assert np.array_equal(g, [1, 1])
        student.stop()
        student.begin()
        with pytest.raises(Stopped, match="its process was stopped before"):
            b(g, cache)


def test_the_checker_sees_no_difference(tmp_path):
    """Called from afar, many times in one message, a pair gets the report that it gets here; also out of its domain."""
    text = "def f(x):\n    if (x < 0).any():\n        raise ValueError('negative')\n    return np.sqrt(x), x\n"
    text += "def b(g, x):\n    return 3 * g / (2 * np.sqrt(x))\n"
    scope = {"np": np}
    exec(text, scope)
    x = np.array([[0.0004, 0.3], [1.0, 2.0]])
    with students(tmp_path, text, timeout=20.0) as student:
        signatures = student.load()
        student.begin()
        f, b = Remote(student, "f", signatures["f"], keep=True), Remote(student, "b", signatures["b"])
        calls = [inspect.signature(f).bind(values) for values in (x, -x, x + 1)]
        outputs = list(f.many(calls))
        assert outputs[1] is None
        assert np.array_equal(outputs[0], np.sqrt(x))
        assert np.array_equal(outputs[2], np.sqrt(x + 1))
        theirs, ours = gradcheck(f, b, x), gradcheck(scope["f"], scope["b"], x)
    assert str(theirs) == str(ours)
    assert np.array_equal(theirs["x"].numeric, ours["x"].numeric)
    assert theirs["x"].diagnosis.kind == "factor"
