#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tool as people and programs meet it, without the kernel module.

BIN names the folder with roam and roam-hlrd. Prints TAP.
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("BIN", TOP / "build/bin")).resolve()
MAN = TOP / "Documentation/man/roam.8.scd"
COMPLETION = TOP / "packaging/completion/roam"
WAIT = 20  # seconds for something that normally takes milliseconds

# Words that make a command whole; all others need none.
ARGUMENTS = {
    "agent end": ["10.77.0.5"],
    "agent end-visitor": ["10.77.0.5"],
    "explain": ["198.51.100.7"],
    "hlr keygen": ["7"],
    "tunnel add": ["203.0.113.5", "via", "192.0.2.9", "from", "192.0.2.2"],
    "tunnel replace": ["203.0.113.5", "via", "192.0.2.9", "from", "192.0.2.2"],
    "tunnel del": ["203.0.113.5"],
    "tunnel visitors add": ["203.0.113.5", "own", "agent", "192.0.2.2", "care-of", "192.0.2.9"],
    "tunnel visitors replace": ["203.0.113.5", "own", "agent", "192.0.2.2", "care-of", "192.0.2.9"],
    "tunnel visitors del": ["203.0.113.5"],
    "tunnel config set": ["grace", "4s"],
    "mmp keygen": ["7"],
    "mmp move": ["bs1"],
    "mmp trace": ["10.7.0.99"],
    "mangle add": ["203.0.113.5", "via", "192.0.2.9"],
    "mangle replace": ["203.0.113.5", "null"],
    "mangle del": ["203.0.113.5"],
    "mangle peer del": ["203.0.113.5", "198.51.100.7"],
    "mangle range set": ["203.0.113.0/24"],
    "mangle config set": ["grace", "4s"],
    "sip end": ["1"],
    "sip update": ["1"],
    "sip server check": ["127.0.0.1:9"],
    "standby preempt": ["office"],
    "standby query": ["office", "link", "lo"],
    "standby resign": ["office"],
}


def roam(folder, *words, before=(), program="roam"):
    return subprocess.run([*before, f"{BIN}/{program}", *words], text=True,
                          capture_output=True, timeout=WAIT * 3,
                          env=dict(os.environ, ROAM_RUN_DIR=folder))


def alone():
    """Words before a command that may change something: a namespace of its
    own, as this machine may use the module. Other users may change nothing."""
    return ("unshare", "--net") if os.geteuid() == 0 else ()


def commands(folder):
    return json.loads(roam(folder, "-j", "help").stdout)


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"not within {WAIT} s: {what}"
        time.sleep(0.02)


class Register:
    """A roam-hlrd in a folder, while the block lasts."""

    def __init__(self, folder):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = folder
        keys = Path(folder, "hosts.key")
        keys.touch(0o600)
        keys.write_text(roam(folder, "hlr", "keygen", "7").stdout)
        Path(folder, "hlrd.conf").write_text(
            f'listen = {{"127.0.0.1:{self.port}"}}\nkeys = "{keys}"\n'
            f'store = "{folder}/hlr.db"\n'
            'host "laptop" { key = 7 permanent = {"203.0.113.5"} }\n')

    def __enter__(self):
        self.log = open(Path(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [f"{BIN}/roam-hlrd", "-c", f"{self.folder}/hlrd.conf",
             "-s", f"{self.folder}/hlrd.sock"], stderr=self.log)
        until(lambda: roam(self.folder, "hlr", "status").returncode == 0,
              "the register answers")
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(WAIT)
        self.log.close()


class Fakes:
    """The daemons of many_daemons.c: sockets that answer, while the block lasts.

    What each was asked is in requests, (daemon, request)."""

    def __init__(self, folder, numbers):
        self.folder = folder
        self.numbers = numbers
        self.requests = []
        self.watchers = {}
        self.ready = threading.Condition()

    def __enter__(self):
        self.sockets = []
        for n in self.numbers:
            s = socket.socket(socket.AF_UNIX)
            s.bind(f"{self.folder}/fake{n}d.sock")
            s.listen()
            self.sockets.append(s)
            threading.Thread(target=self.listen, args=(n, s), daemon=True).start()
        return self

    def __exit__(self, *error):
        for s in (*self.sockets, *self.watchers.values()):
            s.close()

    def listen(self, n, listener):
        while True:
            try:
                s = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(n, s), daemon=True).start()

    def serve(self, n, s):
        for line in s.makefile():
            request = json.loads(line)
            self.requests.append((n, request))
            s.sendall(json.dumps(self.answer(n, request)).encode() + b"\n")
            if request["command"] == "monitor":
                with self.ready:
                    self.watchers[n] = s
                    self.ready.notify_all()
                return

    def answer(self, n, request):
        answers = {
            "monitor": [],
            "status": {"daemon": f"roam-fake{n}d", "version": "1",
                       "uptime": 1.5, "bindings": n, "secret": 4711},
            "counters": {"received": 100 + n, "drop_key": 1},
            "bindings": [{"address": "192.0.2.1", "name": "fake"}],
            "binding_add": [{"address": "192.0.2.1", "name": "fake",
                             "more": True}],
        }
        word = request["command"]
        if word in answers:
            return {"result": answers[word]}
        return {"error": {"code": "usage", "message": f"no command '{word}'",
                          "hint": "try another"}}

    def wait_for_watchers(self):
        with self.ready:
            assert self.ready.wait_for(
                lambda: len(self.watchers) == len(self.numbers), WAIT), \
                self.watchers.keys()


def many(folder, *words):
    return roam(folder, *words, program="test-roam-many")


def check_schema(folder, *files):
    done = subprocess.run([TOP / "selftests/schema", folder, *files],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def every_command_answers_in_json(folder):
    """with -j there is one document or one error, whatever is asked"""
    out = Path(folder, "out")
    out.mkdir()
    run = Path(folder, "run")
    run.mkdir()
    for row in commands(folder):
        words = row["command"].split()
        if words == ["monitor"]:
            continue  # runs for ever where anything is there
        for number, more in enumerate((ARGUMENTS.get(row["command"], []),
                                       ["one", "word", "too", "many"])):
            done = roam(run, "-j", *words, *more, before=alone())
            name = f"{row['command'].replace(' ', '-')}.{number}"
            assert done.returncode in (0, 1, 2, 3), (words, done)
            # The doctor's answer and its verdict are two things.
            if done.returncode == 0 or words == ["doctor"] and not number:
                assert done.stderr == "", (words, done)
                (out / name).write_text(done.stdout)
            else:
                assert done.stdout == "", (words, done)
                assert len(done.stderr.splitlines()) == 1, (words, done)
                (out / f"error.{name}").write_text(done.stderr)
            assert not number or done.returncode or words == ["complete"], words
    for words in (["-V"], ["help"], ["mangle", "help"], ["hlr", "show", "help"]):
        done = roam(run, "-j", *words)
        name = "version" if words == ["-V"] else "help"
        (out / f"{name}.{len(words)}.{words[0]}").write_text(done.stdout)
    check_schema(out)


def register_answers_fit(folder):
    """what a running register makes the tool say fits its schema"""
    out = Path(folder, "out")
    out.mkdir()
    with Register(folder):
        for words in ("hlr show", "hlr status", "hlr counters", "hlr keys",
                      "top", "report", "status", "doctor"):
            done = roam(folder, "-j", *words.split())
            (out / f"{words.replace(' ', '-')}.1").write_text(done.stdout)
        batch = Path(folder, "batch")
        batch.write_text("hlr show\nnonsense\nhlr keys\n")
        done = roam(folder, "-j", "-force", "-b", str(batch))
        assert done.returncode == 4, done
        (out / "batch.1").write_text(done.stdout)
        (out / "error.1").write_text(done.stderr)
    check_schema(out)


def schema_check_sees_mistakes(folder):
    """the check of the schemas fails on what does not fit"""
    out = Path(folder, "out")
    out.mkdir()
    right = {"check": "module", "result": "ok", "detail": "", "fix": None}
    for wrong in ([dict(right, result="fine")], [dict(right, more=1)], right,
                  [{"check": "module"}]):
        (out / "doctor.1").write_text(json.dumps(wrong))
        done = subprocess.run([TOP / "selftests/schema", out],
                              capture_output=True, text=True)
        assert done.returncode == 1, (wrong, done)
    (out / "doctor.1").write_text(json.dumps([right]))
    check_schema(out)
    (out / "doctor.1").write_text("[][]")
    assert subprocess.run([TOP / "selftests/schema", out],
                          capture_output=True).returncode == 1


def man_entries():
    """first line of each entry of the section OBJECTS -> its text"""
    text = MAN.read_text().split("\n# OBJECTS\n")[1].split("\n# ")[0]
    return {block.split("\n\t")[0]: block
            for block in text.strip().split("\n\n")}


def man_page_has_every_command(folder):
    """commands and man page name each other, with their keywords"""
    rows = {row["command"]: row for row in commands(folder)}
    entries = man_entries()
    described = {re.match(r"\*([a-z -]+)\*", head)[1]: text
                 for head, text in entries.items()}
    assert described.keys() == rows.keys(), described.keys() ^ rows.keys()
    for command, row in rows.items():
        if row["args"].startswith("as "):
            continue
        for word in re.findall(r"(?<![A-Za-z])-?-?[a-z1][a-z-]*", row["args"]):
            assert f"*{word}*" in described[command], (command, word)


def options_are_known_everywhere(folder):
    """help, man page and completion know the same options"""
    text = MAN.read_text().split("\n# OPTIONS\n")[1].split("\n# ")[0]
    described = set(re.findall(r"\*-([a-z]+)\*", text, re.I))
    listed = set(re.findall(r"(?<!\S)-([a-zV]+)\b", roam(folder, "-h").stdout))
    offered = set(re.findall(r"-([a-zV]+)", re.search(
        r'"(-j [^"]*)"', COMPLETION.read_text())[1]))
    assert listed == offered, listed ^ offered
    assert listed <= described, listed - described
    for option in described - {"n", "netns", "b", "batch"}:
        done = roam(folder, f"-{option}", "complete", "zzz")
        assert done.returncode == 0, (option, done)


def completed(folder, line):
    """what the shell offers at the end of a line"""
    script = f"""
        . {COMPLETION}
        read -r -a COMP_WORDS <<<"$1"
        [[ $1 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _roam
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script, "_", line], text=True,
                          capture_output=True, cwd=folder, check=True,
                          env=dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}"))
    return set(done.stdout.split())


def completion_offers_words(folder):
    """the shell completes objects, commands, keywords and options"""
    objects = {row["command"].split()[0] for row in commands(folder)}
    assert completed(folder, "roam ") == objects | {"help"}
    assert completed(folder, "roam ex") == {"explain"}
    assert completed(folder, "roam -j -n blue mangle f") == {"flush"}
    assert "via" in completed(folder, "roam mangle add 203.0.113.5 ")
    assert completed(folder, "roam top --") == {"--once"}
    assert "sort" in completed(folder, "roam top --once ")
    assert "-ts" in completed(folder, "roam -")
    Path(folder, "a-file").touch()
    assert completed(folder, "roam report a-") == {"a-file"}
    assert completed(folder, "roam mangle zzz ") == set()


def help_is_complete(folder):
    """help fits 80 columns at every level and hides nothing"""
    text = roam(folder, "help").stdout
    for row in commands(folder):
        words = row["command"].split()
        assert re.search(rf"^  {words[0]}\b", text, re.M), words
        done = roam(folder, *words, "help")
        assert done.returncode == 0 and row["help"].split()[0] in done.stdout, done
        assert max(map(len, done.stdout.splitlines())) <= 80, done.stdout
    assert max(map(len, text.splitlines())) <= 80, text


def report_is_private(folder):
    """a report is a new file of its owner alone, and holds no key"""
    with Register(folder):
        path = Path(folder, "report.txt")
        assert roam(folder, "report", str(path)).returncode == 0
        assert path.stat().st_mode & 0o777 == 0o600, oct(path.stat().st_mode)
        text = path.read_text()
        secret = Path(folder, "hosts.key").read_text().split()[1]
        for word in ("== versions", "== doctor", "== hlr status", "laptop"):
            assert word in text, word
        assert secret not in text
        done = roam(folder, "report", str(path))
        assert done.returncode == 2 and "File exists" in done.stderr, done
        assert path.read_text() == text


class Terminal:
    """A pseudo terminal with roam top in it."""

    def __init__(self, folder, term, *words, size=(24, 80)):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update(TERM=term, ROAM_RUN_DIR=folder)
            os.execv(f"{BIN}/roam", ["roam", "top", *words])
        self.resize(*size)
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.1):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.text += os.read(self.fd, 65536).decode()
            except OSError:  # the other side is gone
                return False
        return True

    def wait_for(self, pattern):
        until(lambda: self.read() and re.search(pattern, self.text), pattern)

    def type(self, keys):
        self.text = ""
        os.write(self.fd, keys.encode())

    def ended(self):
        self.read()
        pid, self.status = os.waitpid(self.pid, os.WNOHANG)
        return pid

    def close(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except OSError:
            pass
        os.close(self.fd)


def top_uses_the_screen(folder):
    """top draws, sorts, follows the size of the screen, and ends with q"""
    with Register(folder):
        screen = Terminal(folder, "xterm", "interval", "200ms")
        try:
            screen.wait_for("q quit")
            assert "\x1b[" in screen.text
            screen.wait_for("sort address")
            screen.type("s")
            # Only what differs is drawn again.
            screen.wait_for("idle")
            screen.type("r")
            screen.wait_for("reversed")
            screen.text = ""
            screen.resize(10, 40)
            screen.wait_for("q quit")
            screen.resize(2, 5)
            screen.resize(50, 200)
            screen.text = ""
            screen.wait_for("roam-hlrd")
            screen.type("q")
            until(screen.ended, "top ends")
            assert screen.status == 0, screen.text[-3000:]
            # The screen is given back: the other one is switched on again.
            assert "\x1b[?1049l" in screen.text, screen.text[-200:]
        finally:
            screen.close()


def top_ends_with_its_terminal(folder):
    """top does not stay behind when its terminal goes away"""
    with Register(folder):
        screen = Terminal(folder, "xterm", "interval", "200ms")
        screen.wait_for("q quit")
        os.close(screen.fd)
        screen.fd = os.open("/dev/null", os.O_RDONLY)
        until(lambda: os.waitpid(screen.pid, os.WNOHANG)[0], "top ends")
        os.close(screen.fd)


def top_is_plain_elsewhere(folder):
    """top prints text without a control sequence where there is no screen"""
    with Register(folder):
        done = roam(folder, "top", "--once", "interval", "100ms")
        assert done.returncode == 0 and "roam-hlrd" in done.stdout, done
        assert done.stdout == re.sub(r"[^\n -~]", "", done.stdout)
        terminal = Terminal(folder, "dumb", "interval", "200ms")
        try:
            terminal.wait_for("(?s)roam-hlrd.*roam-hlrd.*roam-hlrd")
            assert "\x1b" not in terminal.text, terminal.text
        finally:
            terminal.close()
        for words in (["sort", "size"], ["interval", "1"], ["rows", "-1"],
                      ["sort"], ["twice"]):
            done = roam(folder, "top", "-1", *words)
            assert done.returncode == 1 and "try:" in done.stderr, (words, done)


def doctor_names_the_real_port(folder):
    """the doctor looks for the port that is configured"""
    with Register(folder) as register:
        rows = json.loads(roam(folder, "-j", "doctor").stdout)
        ports = [row for row in rows if row["check"] == "port"]
        assert len(ports) == 1, rows
        assert ports[0]["result"] == "ok", ports
        assert str(register.port) in ports[0]["detail"], ports


def explain_says_what_is_missing(folder):
    """explain names what is not there, and what to do about it"""
    done = roam(folder, "explain", "203.0.113.5", before=alone())
    missing = ("prefix" if Path("/sys/module/roam_mangle").exists() else
               "modprobe roam_mangle")
    assert done.returncode == 0 and missing in done.stdout, done
    for words in ([], ["here"], ["203.0.113.5", "there"]):
        done = roam(folder, "explain", *words)
        assert done.returncode == 1 and "try:" in done.stderr, done
    rows = json.loads(roam(folder, "-j", "explain", "224.0.0.9").stdout)
    assert rows[0]["role"] == "unusable" and rows[0]["outgoing"] is None, rows


def monitor_watches_any_number(folder):
    """an event of each of twelve daemons arrives, and their end"""
    numbers = range(1, 13)
    with Fakes(folder, numbers) as fakes:
        with subprocess.Popen([f"{BIN}/test-roam-many", "-j", "monitor"],
                              env=dict(os.environ, ROAM_RUN_DIR=folder),
                              text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as monitor:
            # Whatever goes wrong ends what follows.
            end = threading.Timer(WAIT, monitor.kill)
            end.start()
            fakes.wait_for_watchers()
            for n, s in fakes.watchers.items():
                s.sendall(b'{"event":"moved","number":%d}\n' % n)
            events = [json.loads(monitor.stdout.readline()) for _ in numbers]
            assert sorted((e["object"], e["event"], e["number"])
                          for e in events) == sorted(
                (f"fake{n}", "moved", n) for n in numbers), events
            for s in fakes.watchers.values():
                s.shutdown(socket.SHUT_RDWR)
            gone = [json.loads(monitor.stdout.readline()) for _ in numbers]
            assert {(e["object"], e["event"]) for e in gone} == {
                (f"fake{n}", "gone") for n in numbers}, gone
            # The module may be there and go on.
            if not Path("/sys/module/roam_mangle").exists():
                assert monitor.wait(WAIT) == 3
            end.cancel()
            monitor.terminate()
        assert many(folder, "monitor", "nothing").returncode == 1


def a_daemon_is_one_row(folder):
    """every command that shows all daemons shows one that was registered"""
    with Fakes(folder, [3]):
        rows = json.loads(many(folder, "-j", "status").stdout)
        states = {row["component"]: row["value"] for row in rows
                  if row["item"] == "state"}
        assert states["roam-fake3d"] == "running, 3 bindings", states
        assert states["roam-fake4d"] == "not running", states
        top = json.loads(many(folder, "-j", "top", "interval", "100ms").stdout)[0]
        assert {"object": "fake3", "daemon": "roam-fake3d",
                "state": "running, 3 bindings"} in top["daemons"], top
        assert any(row["source"] == "fake3" and row["total"] == 103
                   for row in top["counters"]), top["counters"]
        checks = {row["check"]: row["result"]
                  for row in json.loads(many(folder, "-j", "doctor").stdout)}
        assert checks["roam-fake3d"] == "ok", checks
        report = json.loads(many(folder, "-j", "report").stdout)[0]
        assert report["fake3_status"]["bindings"] == 3, report
        assert report["fake3_counters"]["drop_key"] == 1, report
        assert report["fake3_bindings"] == [{"address": "192.0.2.1",
                                             "name": "fake"}], report
        assert report["fake4_status"] == "not running", report
        listed = {row["command"] for row in json.loads(many(folder, "-j", "help").stdout)}
        assert {"fake3 status", "fake3 counters", "fake3 bind"} <= listed, listed
        offered = many(folder, "complete", "monitor", "fake1").stdout.split()
        assert offered == ["fake1", "fake10", "fake11", "fake12"], offered
        offered = many(folder, "complete", "fake3", "bind", "f").stdout.split()
        assert offered == ["force"], offered


def questions_carry_their_words(folder):
    """words become the members of a request, and wrong ones are refused"""
    with Fakes(folder, [1]) as fakes:
        done = many(folder, "fake1", "bind", "192.0.2.1", "prefix", "2001:DB8::/32",
                    "lifetime", "2s", "tries", "3", "force", "name", "a b")
        assert done.returncode == 0, done
        assert done.stdout.split() == ["ADDRESS", "NAME", "192.0.2.1", "fake"], done
        assert fakes.requests == [(1, {"command": "binding_add", "args": {
            "address": "192.0.2.1", "prefix": "2001:db8::/32", "lifetime": 2.0,
            "tries": 3, "force": True, "name": "a b"}})], fakes.requests
        assert "MORE" in many(folder, "-d", "fake1", "bind", "192.0.2.1").stdout
        done = many(folder, "-j", "fake1", "status")
        assert json.loads(done.stdout)[0]["bindings"] == 1, done
        asked = len(fakes.requests)
        for words in ([], ["nowhere"], ["192.0.2.1", "192.0.2.2"],
                      ["192.0.2.1", "prefix"], ["192.0.2.1", "prefix", "x"],
                      ["192.0.2.1", "tries", "-1"], ["192.0.2.1", "tries", "3x"],
                      ["192.0.2.1", "lifetime", "soon"],
                      ["192.0.2.1", "force", "force"], ["force"]):
            done = many(folder, "fake1", "bind", *words)
            assert done.returncode == 1 and "roam fake1 help" in done.stderr, (
                words, done)
        assert len(fakes.requests) == asked, fakes.requests
        assert many(folder, "fake2", "status").returncode == 3


TESTS = [
    ("OPEN-50: every command answers in JSON", every_command_answers_in_json),
    ("OPEN-50: answers about a register fit", register_answers_fit),
    ("OPEN-50: the check of the schemas can fail", schema_check_sees_mistakes),
    ("GEN-07: commands and man page name each other", man_page_has_every_command),
    ("GEN-07: options are known everywhere", options_are_known_everywhere),
    ("GEN-07: the shell completes", completion_offers_words),
    ("GEN-07: help is complete", help_is_complete),
    ("OPEN-50 GEN-14: a report holds no key", report_is_private),
    ("OPEN-50: top uses the screen", top_uses_the_screen),
    ("OPEN-50: top ends with its terminal", top_ends_with_its_terminal),
    ("OPEN-50: top is plain without a screen", top_is_plain_elsewhere),
    ("OPEN-50: the doctor names the real port", doctor_names_the_real_port),
    ("OPEN-50: explain says what is missing", explain_says_what_is_missing),
    ("OPEN-50: the monitor watches any number of daemons",
     monitor_watches_any_number),
    ("GEN-07 OPEN-50: a daemon is one row of the registry", a_daemon_is_one_row),
    ("GEN-07: questions carry their words", questions_carry_their_words),
]


def main():
    chosen = [t for t in TESTS if os.environ.get("CASE", "") in t[1].__name__]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, (name, test) in enumerate(chosen, 1):
        with tempfile.TemporaryDirectory(prefix="roam-tool-") as folder:
            verdict = "ok"
            try:
                test(folder)
            except Exception as error:  # pylint: disable=broad-except
                verdict = "not ok"
                failed += 1
                line = error.__traceback__
                while line.tb_next:
                    line = line.tb_next
                print(f"# line {line.tb_lineno}: {type(error).__name__}: "
                      f"{str(error)[:2000]!r}")
        print(f"{verdict} {number} - {name}", flush=True)
    sys.exit(1 if failed else 0)


main()
