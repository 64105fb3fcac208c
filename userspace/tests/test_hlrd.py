#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The register as a whole: real daemon, real UDP, real disk, real tool.

BIN names the folder with roam-hlrd and roam. Speaks the protocol from its
page, not from the project's codec. Prints TAP.
"""
import hashlib
import hmac
import ipaddress
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BIN = os.environ.get("BIN", "build/bin-san")
KEY, OTHER = bytes(range(32)), bytes(range(32, 64))
FLAG_KEY, PAIR_KEY = 4, 0x80000000
QUERY, ANSWER, UPDATE, ACK, CHALLENGE = 1, 2, 3, 4, 7
OK, NONE, STALE, REPLAY, DENIED, FULL, LATER, CONFLICT, UNPROVED, UNFIT = range(10)
PERM = "10.77.0.5"
WAIT = 20  # seconds for something that normally takes milliseconds


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def packed(addr):
    if addr is None:
        return bytes(16)
    ip = ipaddress.ip_address(addr)
    return ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed


def unpacked(raw):
    if raw == bytes(16):
        return None
    ip = ipaddress.IPv6Address(raw)
    return str(ip.ipv4_mapped or ip)


def entry(perm, coa=None, seq=0, lifetime=0, status=0, flags=0):
    return packed(perm) + packed(coa) + struct.pack(
        ">QIBBH", seq, lifetime, status, flags, 0)


def message(kind, entries, key_id=7, key=KEY, ident=None, nonce=0, cookie=bytes(16)):
    ident = time.time_ns() if ident is None else ident
    data = struct.pack(">BBHIQQ", 2, kind, len(entries), key_id, ident, nonce)
    data += cookie + b"".join(entries)
    if not key_id:
        return data + bytes(16)
    return data + hmac.new(key, data, hashlib.sha256).digest()[:16]


def parse(data, key):
    assert hmac.new(key, data[:-16], hashlib.sha256).digest()[:16] == data[-16:]
    _, kind, count, _, ident, nonce = struct.unpack(">BBHIQQ", data[:24])
    entries = []
    for i in range(count):
        raw = data[40 + 48 * i:88 + 48 * i]
        seq, lifetime, status, flags, _ = struct.unpack(">QIBBH", raw[32:])
        entries.append(dict(perm=unpacked(raw[:16]), coa=unpacked(raw[16:32]),
                            seq=seq, lifetime=lifetime, status=status,
                            flags=flags, sealed=raw[16:32]))
    return dict(type=kind, id=ident, nonce=nonce, entries=entries,
                field=data[24:40], size=len(data))


def pair_key(mobile_key, correspondent, perm):
    """What a mobile host and a correspondent share, made from the former's key."""
    text = b"roam pair key" + struct.pack(">I", correspondent) + packed(perm)
    return hmac.new(mobile_key, text, hashlib.sha256).digest()[:16]


def unsealed(sealed, key, nonce, mobile, perm):
    """The pair key in a key entry, for the correspondent with that key."""
    text = b"roam pair seal" + struct.pack(">QI", nonce, mobile) + packed(perm)
    pad = hmac.new(key, text, hashlib.sha256).digest()
    return bytes(a ^ b for a, b in zip(sealed, pad))


class Skip(Exception):
    """The test cannot run here."""


class Register:
    """A roam-hlrd in a folder of its own."""

    def __init__(self, folder, lifetime="300s", tombstone="300s", extra="",
                 listen="127.0.0.1", proof="trust = {\"0.0.0.0/0\", \"::/0\"}"):
        self.folder, self.process = folder, None
        self.port = free_port()
        self.store = os.path.join(folder, "hlr.db")
        self.conf = os.path.join(folder, "hlrd.conf")
        self.socket = os.path.join(folder, "hlrd.sock")
        self.keys = os.path.join(folder, "keys")
        os.makedirs(self.keys, exist_ok=True)
        self.write_keys(f"7 {KEY.hex()}\n8 {OTHER.hex()}\n")
        host = f"[{listen}]" if ":" in listen else listen
        self.write_conf(f"""# written by the test
listen = {{"{host}:{self.port}"}}
keys = "{self.keys}"
store = "{self.store}"
lifetime = {lifetime}
tombstone = {tombstone}
{proof}
host "laptop" {{ key = 7 permanent = {{"{PERM}", "2001:db8:77::/64", "10.78.0.0/16"}} }}
{extra}""")

    def write_keys(self, text):
        path = os.path.join(self.keys, "hosts.key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                  "w") as f:
            f.write(text)

    def write_conf(self, text):
        with open(self.conf, "w") as f:
            f.write(text)

    def start(self, preexec_fn=None, env=None):
        self.log = open(os.path.join(self.folder, "log"), "a+b")
        self.process = subprocess.Popen(
            [f"{BIN}/roam-hlrd", "-c", self.conf, "-s", self.socket],
            stderr=self.log, preexec_fn=preexec_fn,
            env=dict(os.environ, **(env or {})))
        until(lambda: self.process.poll() is not None or self.answers(),
              "the register starts")
        assert self.process.poll() is None, self.logged()
        return self

    def answers(self):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(self.socket)
                return True
            except OSError:
                return False

    def logged(self):
        with open(os.path.join(self.folder, "log")) as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        status = self.process.wait(WAIT)
        assert sig == signal.SIGKILL or status == 0, (status, self.logged())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def control(self, command, **args):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(WAIT)
            s.connect(self.socket)
            request = {"command": command, "args": args}
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def counters(self):
        return self.control("counters")["result"]

    def tool(self, *words):
        env = dict(os.environ, ROAM_RUN_DIR=self.folder)
        return subprocess.run([f"{BIN}/roam", *words], env=env, text=True,
                              capture_output=True, timeout=WAIT)


class Host:
    """A mobile host or correspondent that speaks to a register."""

    def __init__(self, register, key_id=7, key=KEY, family=socket.AF_INET,
                 to=None, source=None):
        self.register, self.key_id, self.key = register, key_id, key
        self.to = (to or ("127.0.0.1" if family == socket.AF_INET else "::1"),
                   register.port)
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            self.socket.bind((source, 0))
        # Answers count only from the address that was asked.
        self.socket.connect(self.to)

    def send(self, data):
        self.socket.send(data)

    def receive(self, timeout=WAIT):
        self.socket.settimeout(timeout)
        return parse(self.socket.recv(2048), self.key)

    def ask(self, kind, entries, ident=None, nonce=0x1122334455667788):
        ident = time.time_ns() if ident is None else ident
        self.send(message(kind, entries, self.key_id, self.key, ident, nonce))
        reply = self.receive()
        assert reply["nonce"] == nonce, reply
        return reply

    def update(self, perm, coa, seq, lifetime=300, **more):
        return self.ask(UPDATE, [entry(perm, coa, seq, lifetime)],
                        **more)["entries"][0]

    def query(self, perm):
        reply = self.ask(QUERY, [entry(perm)])
        assert reply["type"] == ANSWER, reply
        return reply["entries"][0]


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def registers_and_answers(folder):
    """MLR-01 MLR-03 MLR-05 MLR-06: an update is granted, a query answered"""
    with Register(folder).start() as r:
        h = Host(r)
        reply = h.ask(UPDATE, [entry(PERM, "192.0.2.9", 5, 1000)])
        assert reply["type"] == ACK
        e = reply["entries"][0]
        assert (e["status"], e["coa"], e["seq"]) == (OK, "192.0.2.9", 5), e
        assert e["lifetime"] == 300, e
        e = h.query(PERM)
        assert (e["status"], e["coa"], e["seq"]) == (OK, "192.0.2.9", 5), e
        assert 290 <= e["lifetime"] <= 300, e
        assert h.query("10.78.1.1")["status"] == NONE
        shown = json.loads(r.tool("-j", "hlr", "show").stdout)
        assert [m["permanent"] for m in shown] == [PERM], shown
        assert shown[0]["care_of"] == "192.0.2.9", shown
        assert 290 <= shown[0]["expires_in"] <= 300, shown
        r.stop()


def ipv6_is_served(folder):
    """MLR-05: over IPv6, for IPv6 addresses, and mapped IPv4 in one socket"""
    with Register(folder, listen="::").start() as r:
        six = Host(r, family=socket.AF_INET6)
        assert six.update("2001:db8:77::5", "2001:db8:1::9", 1)["status"] == OK
        # To another local address: the answer must leave from there.
        four = Host(r, to="127.0.0.77")
        e = four.query("2001:db8:77::5")
        assert (e["status"], e["coa"]) == (OK, "2001:db8:1::9"), e
        r.stop()


def newest_wins(folder):
    """MLR-01 OPEN-29: an old sequence is stale, an old identification a replay"""
    with Register(folder).start() as r:
        h = Host(r)
        now = time.time_ns()
        assert h.update(PERM, "192.0.2.9", 5, ident=now)["status"] == OK
        assert h.update(PERM, "192.0.2.8", 4, ident=now + 1)["status"] == STALE
        reply = h.ask(UPDATE, [entry(PERM, "192.0.2.7", 9, 300)], ident=now)
        assert reply["entries"][0]["status"] == REPLAY, reply
        assert reply["id"] >= now, reply
        assert h.query(PERM)["coa"] == "192.0.2.9"
        assert h.update(PERM, "192.0.2.6", 6, ident=now + 5)["status"] == OK
        assert h.query(PERM)["coa"] == "192.0.2.6"
        assert h.update(PERM, None, 7, lifetime=0)["status"] == OK
        assert h.query(PERM)["status"] == NONE
        r.stop()


def a_retransmission_is_answered_again(folder):
    """OPEN-29: a copy of the last update is answered and changes nothing"""
    with Register(folder).start() as r:
        h = Host(r)
        data = message(UPDATE, [entry(PERM, "192.0.2.9", 5, 300)], nonce=9)
        for _ in range(3):
            h.send(data)
            assert h.receive()["entries"][0]["status"] == OK
        assert r.counters()["commits"] == 1, r.counters()
        r.stop()


def restart_keeps_mapping(folder):
    """OPEN-45 OPEN-29: kill -9 loses no acknowledged mapping and no identification"""
    with Register(folder).start() as r:
        h = Host(r)
        ident = time.time_ns()
        assert h.update(PERM, "192.0.2.9", 5, ident=ident)["status"] == OK
        r.stop(signal.SIGKILL)
        r.start()
        e = h.query(PERM)
        assert (e["status"], e["coa"], e["seq"]) == (OK, "192.0.2.9", 5), e
        assert 250 < e["lifetime"] <= 300, e
        e = h.update(PERM, "192.0.2.66", 9, ident=ident)
        assert e["status"] == REPLAY, e
        assert h.update(PERM, "192.0.2.10", 6)["status"] == OK
        r.stop()


def mapping_expires(folder):
    """MLR-04: a mapping that is not renewed goes, and no restart brings it back"""
    with Register(folder, lifetime="1s", tombstone="1s").start() as r:
        h = Host(r)
        assert h.update(PERM, "192.0.2.9", 5)["lifetime"] == 1
        until(lambda: h.query(PERM)["status"] == NONE, "the mapping ends")
        until(lambda: r.counters()["expired"] == 1, "it is counted")
        r.stop()
        r.start()
        assert h.query(PERM)["status"] == NONE
        assert r.control("status")["result"]["mappings"] == 0
        r.stop()


def forged_messages_change_nothing(folder):
    """OPEN-26: wrong key, unknown key, no key, cut and odd messages are counted"""
    with Register(folder).start() as r:
        h = Host(r)
        assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        good = [entry(PERM, "192.0.2.66", 99, 300)]
        signed = message(UPDATE, good)
        cases = {
            "drop_auth": message(UPDATE, good, key=OTHER),
            "drop_key": message(UPDATE, good, key_id=4711),
            "drop_length": signed[:-1],
            "drop_version": b"\1" + signed[1:],
            "drop_type": signed[:1] + b"\x63" + signed[2:],
            "drop_count": signed[:2] + b"\0\0" + signed[4:],
            "drop_role": message(4, good),
        }
        for name, data in cases.items():
            before = r.counters()[name]
            h.send(data)
            until(lambda: r.counters()[name] == before + 1, name)
        before = r.counters()["drop_key"]
        h.send(message(UPDATE, good, key_id=0))
        until(lambda: r.counters()["drop_key"] == before + 1, "no key")
        try:
            h.receive(0.1)
            raise AssertionError("a forged message was answered")
        except TimeoutError:
            pass
        assert h.query(PERM)["coa"] == "192.0.2.9"
        # Logged, but not once for each.
        assert r.logged().count("dropped") <= 2, r.logged()
        r.stop()


def rights_are_kept(folder):
    """OPEN-26: a key may do only what its host may"""
    extra = 'host "deaf" { key = 8 permanent = {"10.79.0.1"} query = false }\n'
    with Register(folder, extra=extra).start() as r:
        h, other = Host(r), Host(r, 8, OTHER)
        assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        assert other.update(PERM, "192.0.2.66", 6)["status"] == DENIED
        assert other.update("10.79.0.1", "192.0.2.66", 6)["status"] == OK
        assert other.query(PERM)["status"] == DENIED
        assert h.query(PERM)["coa"] == "192.0.2.9"
        keys = json.loads(r.tool("-j", "hlr", "keys").stdout)
        assert [(k["key"], k["host"], k["query"]) for k in keys] == [
            (7, "laptop", True), (8, "deaf", False)], keys
        assert all(len(k["fingerprint"]) == 16 for k in keys), keys
        assert KEY.hex() not in json.dumps(keys)
        r.stop()


def reloaded(r, text):
    """Puts @text in force and waits for it."""
    n = r.logged().count("configuration reloaded")
    r.write_conf(text)
    r.process.send_signal(signal.SIGHUP)
    until(lambda: r.logged().count("configuration reloaded") > n, "the reload")


def keys_roll_over(folder):
    """OPEN-27: a host changes its key without losing its mapping"""
    with Register(folder).start() as r:
        with open(r.conf) as f:
            text = f.read()
        old, new = Host(r), Host(r, 8, OTHER)
        assert old.update(PERM, "192.0.2.9", 5)["status"] == OK
        assert new.update(PERM, "192.0.2.9", 5)["status"] == DENIED
        # Both are good for a while, and what one registered the other renews.
        reloaded(r, text.replace("key = 7", "key = {7, 8}"))
        for h in new, old, new:
            assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        keys = json.loads(r.tool("-j", "hlr", "keys").stdout)
        assert [(k["key"], k["host"]) for k in keys] == [
            (7, "laptop"), (8, "laptop")], keys
        # The old one goes.
        r.write_keys(f"8 {OTHER.hex()}\n")
        reloaded(r, text.replace("key = 7", "key = 8"))
        before = r.counters()["drop_key"]
        old.send(message(UPDATE, [entry(PERM, "192.0.2.66", 99, 300)]))
        until(lambda: r.counters()["drop_key"] == before + 1, "the old key")
        assert new.update(PERM, "192.0.2.9", 5)["status"] == OK
        assert new.query(PERM)["coa"] == "192.0.2.9"
        # One key, one host.
        r.write_conf(text.replace("key = 7", "key = 8") +
                     'host "other" { key = 8 }\n')
        r.process.send_signal(signal.SIGHUP)
        until(lambda: "key 8 belongs to host 'laptop' already; give host 'other'"
              in r.logged(), "the mistake")
        r.stop()


def ask_keys(h, perms, nonce):
    """The answers about addresses, and the key entries that came with them."""
    entries = h.ask(QUERY, [entry(p) for p in perms] +
                    [entry(p, flags=FLAG_KEY) for p in perms],
                    nonce=nonce)["entries"]
    answers, keys = entries[:len(perms)], entries[len(perms):]
    assert not any(e["flags"] & FLAG_KEY for e in answers), answers
    assert all(e["flags"] == FLAG_KEY for e in keys), keys
    assert all(e["sealed"] == bytes(16) for e in keys if e["status"] != OK), keys
    return answers, [e for e in keys if e["status"] == OK]


def pair_keys_are_made(folder):
    """OPEN-28 OPEN-27: a query brings the pair key of the key that registered"""
    extra = 'host "server" { key = 8 visible = {"10.77.0.0/16", "2001:db8::/32"} }\n'
    six, hidden, unknown = "2001:db8:77::5", "10.78.0.1", "10.77.0.9"
    with Register(folder, extra=extra).start() as r:
        with open(r.conf) as f:
            text = f.read()
        h, server = Host(r), Host(r, 8, OTHER)
        for perm in PERM, six, hidden:
            assert h.update(perm, "192.0.2.9", 5)["status"] == OK
        before = r.counters()
        for nonce in 1, 2**64 - 1:
            answers, keys = ask_keys(server, (six, hidden, unknown, PERM), nonce)
            assert [e["status"] for e in answers] == [OK, DENIED, NONE, OK], answers
            assert [(e["perm"], e["seq"]) for e in keys] == [(six, 7), (PERM, 7)], keys
            for e in keys:
                assert 290 <= e["lifetime"] <= 300, e
                assert unsealed(e["sealed"], OTHER, nonce, 7, e["perm"]) == pair_key(
                    KEY, 8, e["perm"]), e
        # What counts is the answers.
        after = r.counters()
        for name, n in ("ok", 4), ("denied", 2), ("none", 2):
            name = "status_" + name
            assert after[name] - before[name] == n, (name, before, after)
        # Not asked for.
        assert len(server.ask(QUERY, [entry(PERM)])["entries"]) == 1

        # A key that is gone makes none; the host's new one does.
        new = bytes(range(64, 96))
        r.write_keys(f"8 {OTHER.hex()}\n9 {new.hex()}\n")
        reloaded(r, text.replace("key = 7", "key = 9"))
        answers, keys = ask_keys(server, (PERM, six), 4)
        assert [e["status"] for e in answers] == [OK, OK], answers
        assert not keys, keys
        assert Host(r, 9, new).update(PERM, "192.0.2.9", 6)["status"] == OK
        answers, keys = ask_keys(server, (six, PERM), 5)
        assert [(e["perm"], e["seq"]) for e in keys] == [(PERM, 9)], keys
        assert unsealed(keys[0]["sealed"], OTHER, 5, 9, PERM) == pair_key(
            new, 8, PERM), keys
        r.stop()


def pair_keys_are_not_for_the_register(folder):
    """OPEN-28 OPEN-26: what a pair key authenticates is no request"""
    with Register(folder, extra='host "server" { key = 8 }\n').start() as r:
        h = Host(r)
        assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        bad = [entry(PERM, "192.0.2.66", 99, 300)]
        for kind in UPDATE, QUERY:
            for key in pair_key(KEY, 8, PERM), KEY, OTHER:
                before = r.counters()["drop_key"]
                h.send(message(kind, bad, PAIR_KEY | 8, key))
                until(lambda: r.counters()["drop_key"] == before + 1, kind)
        before = r.counters()["drop_reserved"]
        h.send(message(UPDATE, [entry(PERM, "192.0.2.66", 99, 300, flags=FLAG_KEY)]))
        until(lambda: r.counters()["drop_reserved"] == before + 1, "the flag")
        assert h.query(PERM)["coa"] == "192.0.2.9"
        r.stop()


def key_ids_have_a_limit(folder):
    """OPEN-27: a key id is from 1 to 2147483647, for the tool and the register"""
    r = Register(folder)
    with open(r.conf) as f:
        text = f.read()
    highest = 2**31 - 1
    line = r.tool("hlr", "keygen", str(highest)).stdout
    assert line.startswith(f"{highest} "), line
    r.write_keys(line)
    r.write_conf(text.replace("key = 7", f"key = {highest}"))
    with r.start():
        r.stop()
    for wrong in (0, highest + 1, 2**32 + 7):
        done = r.tool("hlr", "keygen", str(wrong))
        assert done.returncode == 1 and str(highest) in done.stderr, done
        r.write_conf(text.replace("key = 7", f"key = {wrong}"))
        done = subprocess.run([f"{BIN}/roam-hlrd", "-c", r.conf, "-s", r.socket],
                              capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 78, done
        assert f"from 1 to {highest}" in done.stderr, done.stderr


def whereabouts_are_kept_private(folder):
    """OPEN-33: a host sees only what it may, and not whether the rest exists"""
    extra = 'host "server" { key = 8 visible = {"10.78.0.0/24"} }\n'
    with Register(folder, extra=extra).start() as r:
        h, other = Host(r), Host(r, 8, OTHER)
        for perm in (PERM, "10.78.0.1"):
            assert h.update(perm, "192.0.2.9", 5)["status"] == OK
        reply = other.ask(QUERY, [entry(p) for p in (
            "10.78.0.1", PERM, "10.78.1.1", "10.78.0.2")])["entries"]
        assert [e["status"] for e in reply] == [OK, DENIED, DENIED, NONE], reply
        assert [e["coa"] for e in reply] == ["192.0.2.9", None, None, None], reply
        assert [e["seq"] for e in reply] == [5, 0, 0, 0], reply
        keys = json.loads(r.tool("-j", "hlr", "keys").stdout)
        assert [k["visible"] for k in keys] == [[], ["10.78.0.0/24"]], keys
        r.stop()


def memory_of(r):
    with open(f"/proc/{r.process.pid}/status") as f:
        return int(f.read().split("VmRSS:")[1].split()[0])


def a_flood_is_bounded(folder):
    """OPEN-32 SEC-03: a key has its rate, others are served, memory stays"""
    # AddressSanitizer keeps what was freed; this is not about it.
    frees = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
    extra = 'rate = 100\nhost "loud" { key = 8 }\n'
    with Register(folder, extra=extra).start(env=frees) as r:
        h, loud = Host(r), Host(r, 8, OTHER)
        assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        query = message(QUERY, [entry(PERM)], 8, OTHER)
        forged = message(QUERY, [entry(PERM)], key=OTHER)
        sent = 0

        def flood(dropped):
            nonlocal sent
            while r.counters()["drop_limit"] < dropped:
                for _ in range(500):
                    loud.send(query if sent % 2 else forged)
                    sent += 1
                assert sent < 1000000, r.counters()
                assert h.query(PERM)["coa"] == "192.0.2.9"
                time.sleep(0.02)  # so that our own rate is kept

        # It also spreads what is allocated: the first thousands touch new pages.
        flood(5000)
        before = memory_of(r)
        flood(10000)
        c = r.counters()
        assert c["drop_auth"] > 1000, c
        assert c["queries"] < sent / 4, (sent, c)
        assert memory_of(r) - before < 2048, (before, memory_of(r))
        assert r.logged().count("dropped") < 20, r.logged()
        r.stop()


def junk_is_charged_to_nobody(folder):
    """SEC-03: junk with a host's own source takes nothing from that host"""
    with Register(folder, extra="rate = 20\n").start() as r:
        h = Host(r)
        forged = message(QUERY, [entry(PERM)], key=OTHER)
        for _ in range(20):
            for _ in range(100):
                h.send(forged)
            before = r.counters()["received"]
            assert h.query(PERM)["status"] == NONE
            time.sleep(0.06)  # so that our own rate is kept
        assert before > 1000, before
        assert r.counters()["drop_limit"] == 0
        r.stop()


def shown_by_source(folder):
    """SEC-01 OPEN-65: the source shows a care-of address, and is told in the reply"""
    with Register(folder, proof="").start() as r:
        h = Host(r, source="192.0.2.9")
        assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
        reply = h.ask(UPDATE, [entry(PERM, "192.0.2.10", 6, 300)])
        assert unpacked(reply["field"]) == "192.0.2.9", reply
        assert reply["entries"][0]["status"] == UNPROVED, reply
        assert h.query(PERM)["coa"] == "192.0.2.9"
        log = r.logged()
        assert "192.0.2.10" in log and "unproved" in log and "NAT" in log, log
        shown = json.loads(r.tool("-j", "hlr", "counters").stdout)[0]
        assert (shown["status_unproved"], shown["challenges"]) == (1, 1), shown
        r.stop()


def challenged(h, there, perm, coa, seq):
    """The cookie that an update about another address brings there, if any."""
    reply = h.ask(UPDATE, [entry(perm, coa, seq, 300)], nonce=seq)
    assert reply["entries"][0]["status"] == UNPROVED, reply
    there.settimeout(WAIT)
    data, source = there.recvfrom(2048)
    got = parse(data, h.key)
    assert got["type"] == CHALLENGE and got["nonce"] == seq, got
    assert len(data) <= reply["size"], (len(data), reply)
    assert got["entries"][0]["coa"] == coa and got["field"] != bytes(16), got
    return got["field"]


def at(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                      socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


def shown_by_cookie(folder):
    """SEC-01: a cookie shows its care-of address, to that key, and no other"""
    extra = 'host "other" { key = 8 permanent = {"10.79.0.0/16"} }\n'
    with Register(folder, proof="", listen="::", extra=extra).start() as r:
        h = Host(r, source="192.0.2.9", to="127.0.0.1")
        six = at("2001:db8:1::9", h.socket.getsockname()[1])
        cookie = challenged(h, six, "2001:db8:77::5", "2001:db8:1::9", 5)

        def status(coa, cookie, host=h, perm="2001:db8:77::5"):
            host.send(message(UPDATE, [entry(perm, coa, 5, 300)], host.key_id,
                              host.key, cookie=cookie))
            return host.receive()["entries"][0]["status"]

        forged = bytes([cookie[0] ^ 1]) + cookie[1:]
        assert status("2001:db8:1::9", forged) == UNPROVED
        assert status("2001:db8:1::8", cookie) == UNPROVED
        other = Host(r, 8, OTHER, source="192.0.2.8", to="127.0.0.1")
        assert status("2001:db8:1::9", cookie, other, "10.79.0.1") == UNPROVED
        assert status("2001:db8:1::9", cookie) == OK
        assert h.query("2001:db8:77::5")["coa"] == "2001:db8:1::9"
        r.stop()


def a_socket_of_each_family(folder):
    """SEC-01: a challenge leaves by the socket of its family, and is missed where there is none"""
    claim = entry("2001:db8:77::5", "2001:db8:1::9", 5, 300)
    with Register(folder, proof="") as r:
        with open(r.conf) as f:
            text = f.read()
        four = f'"127.0.0.1:{r.port}"'
        r.write_conf(text.replace(four, f'{four}, "[::1]:{r.port}"'))
        r.start()
        assert "no address of 'listen'" not in r.logged(), r.logged()
        h = Host(r, source="192.0.2.9")
        six = at("2001:db8:1::9", h.socket.getsockname()[1])
        cookie = challenged(h, six, "2001:db8:77::5", "2001:db8:1::9", 5)
        h.send(message(UPDATE, [claim], cookie=cookie))
        assert h.receive()["entries"][0]["status"] == OK
        assert r.counters()["send_errors"] == 0, r.counters()
        r.stop()
        r.write_conf(text)
        r.start()
        assert "no address of 'listen' is: none" in r.logged(), r.logged()
        claim = entry("2001:db8:77::6", "2001:db8:1::9", 5, 300)
        assert h.ask(UPDATE, [claim])["entries"][0]["status"] == UNPROVED
        assert "to send a challenge: add one" in r.logged(), r.logged()
        assert r.counters()["challenges"] == 0, r.counters()
        r.stop()


def squatters_go(folder):
    """SEC-01: who forges a source to be first somewhere goes when the owner comes"""
    extra = 'host "squatter" { key = 8 permanent = {"10.79.0.1"} }\n'
    with Register(folder, proof="", extra=extra).start() as r:
        squatter = Host(r, 8, OTHER, source="192.0.2.20")
        assert squatter.update("10.79.0.1", "192.0.2.20", 2**62)["status"] == OK
        h = Host(r, source="192.0.2.20")
        # The challenge is for the port of the update, so it comes to the same socket.
        h.send(message(UPDATE, [entry(PERM, "192.0.2.20", 5, 300)], nonce=3))
        replies = sorted([h.receive(), h.receive()], key=lambda m: m["type"])
        assert [m["type"] for m in replies] == [ACK, CHALLENGE], replies
        assert replies[0]["entries"][0]["status"] == UNPROVED, replies
        h.send(message(UPDATE, [entry(PERM, "192.0.2.20", 5, 300)],
                       cookie=replies[1]["field"]))
        assert h.receive()["entries"][0]["status"] == OK
        assert h.query(PERM)["coa"] == "192.0.2.20"
        assert h.query("10.79.0.1")["status"] == NONE
        e = squatter.update("10.79.0.1", "192.0.2.20", 2**62 + 1)
        assert e["status"] == UNPROVED, e
        assert h.query(PERM)["coa"] == "192.0.2.20"
        # What was displaced is not back after a crash.
        r.stop(signal.SIGKILL)
        r.start()
        assert h.query("10.79.0.1")["status"] == NONE
        assert h.query(PERM)["coa"] == "192.0.2.20"
        r.stop()


def unfit_addresses_are_refused(folder):
    """SEC-02: link-local, internal and permanent addresses, and those of others' networks"""
    proof = 'trust = {"0.0.0.0/0"}\ninternal = {"172.16.0.0/12"}\npermanent = {"10.80.0.0/16"}'
    extra = 'host "bound" { key = 8 permanent = {"10.79.0.1"} care_of = {"192.0.2.0/24"} }\n'
    with Register(folder, proof=proof, extra=extra).start() as r:
        h, bound = Host(r), Host(r, 8, OTHER)
        for coa in ("169.254.169.254", "172.16.0.1", "10.77.0.5", "10.79.0.1",
                    "10.80.3.3"):
            e = h.update("10.78.0.1", coa, 5)
            assert e["status"] == UNFIT, (coa, e)
        assert h.query("10.78.0.1")["status"] == NONE
        assert "link-local" in r.logged(), r.logged()
        assert bound.update("10.79.0.1", "198.51.100.1", 5)["status"] == UNFIT
        assert bound.update("10.79.0.1", "192.0.2.1", 5)["status"] == OK
        keys = json.loads(r.tool("-j", "hlr", "keys").stdout)
        assert [k["care_of"] for k in keys] == [[], ["192.0.2.0/24"]], keys
        r.stop()


def old_messages_are_refused(folder):
    """SEC-07 SEC-08: recorded updates and queries are worth nothing later, nor elsewhere"""
    with Register(folder).start() as r:
        h = Host(r)
        now = time.time_ns()
        reply = h.ask(UPDATE, [entry(PERM, "192.0.2.66", 99, 300)], ident=now - 61 * 10**9)
        assert reply["entries"][0]["status"] == REPLAY, reply
        assert abs(reply["id"] - now) < 30 * 10**9, (reply, now)
        assert h.update(PERM, "192.0.2.9", 5, ident=reply["id"] + 1)["status"] == OK
        for ago in 61, -90:
            reply = h.ask(QUERY, [entry(PERM)], ident=now - ago * 10**9)
            e = reply["entries"][0]
            assert (e["status"], e["coa"], e["seq"]) == (REPLAY, None, 0), e
            assert abs(reply["id"] - now) < 60 * 10**9, (reply, now)
        assert h.query(PERM)["coa"] == "192.0.2.9"
        # The window opens and closes with the configuration.
        with open(r.conf) as f:
            text = f.read()
        reloaded(r, "window = 1h\n" + text)
        assert h.ask(QUERY, [entry(PERM)], ident=now - 3 * 60 * 10**9)[
            "entries"][0]["status"] == OK
        r.stop()


def bytes_out_for_bytes_in(folder):
    """SEC-08: a reply is no longer than its request, and there is one at most"""
    with Register(folder, proof="").start() as r:
        h = Host(r, source="192.0.2.9")
        perms = [f"10.78.0.{i + 1}" for i in range(24)]
        requests = [
            message(UPDATE, [entry(p, "192.0.2.9", 5, 300) for p in perms]),
            message(UPDATE, [entry(p, "192.0.2.9", 4, 300) for p in perms[:7]]),
            message(UPDATE, [entry(p, "169.254.1.1", 9, 300) for p in perms]),
            message(UPDATE, [entry("10.1.1.1", "192.0.2.9", 9, 300)]),
            message(UPDATE, [entry(PERM, "192.0.2.9", 9, 300)], ident=1),
            message(QUERY, [entry(p, flags=FLAG_KEY) for p in perms]),
            message(QUERY, [entry(PERM), entry(PERM, flags=FLAG_KEY)]),
            message(QUERY, [entry(p) for p in perms], ident=1),
        ]
        for request in requests:
            h.send(request)
            assert h.receive()["size"] == len(request)
        junk = [message(UPDATE, [entry(PERM, "192.0.2.9", 5, 300)], key=OTHER),
                message(QUERY, [entry(PERM)], key_id=0), requests[0][:-1], b"\2"]
        for data in junk:
            h.send(data)
        h.send(requests[6])
        assert h.receive()["size"] == len(requests[6])
        # 24 addresses where nobody is: one challenge, to one of them.
        before = r.counters()
        claims = message(UPDATE, [entry(p, f"192.0.2.{i + 50}", 9, 300)
                                  for i, p in enumerate(perms)])
        for _ in range(5):
            h.send(claims)
            assert h.receive()["size"] == len(claims)
        after = r.counters()
        assert after["challenges"] - before["challenges"] == 1, (before, after)
        assert after["sent"] - before["sent"] == 6, (before, after)
        r.stop()


def a_long_listing_comes_in_slices(folder):
    """SEC-09: a listing of 20,000 mappings holds up nobody, and costs no memory"""
    frees = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
    with Register(folder, extra="rate = 0\n").start(env=frees) as r:
        fill(r, 20000)
        h = Host(r)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(WAIT)
            s.connect(r.socket)
            before = memory_of(r)
            s.sendall(b'{"command": "show"}\n')
            # Nobody reads it: what is not read is not made.
            until(lambda: h.query(nth(1)[0])["status"] == OK and
                  h.query(nth(19999)[0])["status"] == OK, "queries are answered")
            assert memory_of(r) - before < 10240, (before, memory_of(r))
            s.sendall(b'{"command": "status"}\n')
            lines = s.makefile()
            shown = json.loads(lines.readline())["result"]
            assert json.loads(lines.readline())["result"]["mappings"] == 20000
        assert len({m["permanent"] for m in shown}) == 20000, len(shown)
        tool = json.loads(r.tool("-j", "hlr", "show").stdout)
        perms = [ipaddress.ip_address(m["permanent"]) for m in tool]
        assert len(perms) == 20000 and perms == sorted(perms)
        r.stop()


def rights_are_told(folder):
    """OPEN-33 SEC-09: that hosts may ask for everybody is said at the start and by the doctor"""
    extra = 'host "server" { key = 8 }\n'
    with Register(folder, extra=extra).start() as r:
        assert "2 hosts may ask where every mobile host is" in r.logged(), r.logged()
        found = json.loads(r.tool("-j", "doctor").stdout)
        assert any(f["check"] == "whereabouts" for f in found), found
        with open(r.conf) as f:
            text = f.read()
        reloaded(r, text.replace("key = 8", 'key = 8 visible = {"10.77.0.0/16"}'))
        assert json.loads(r.tool("-j", "hlr", "status").stdout)[0]["see_all"] == 1
        r.stop()


def an_empty_register_says_later(folder):
    """MLR-07 OPEN-38: one that comes back empty sends them to the others"""
    folders = [os.path.join(folder, n) for n in "ab"]
    for f in folders:
        os.mkdir(f)
    with Register(folders[0], extra="others = true\n") as a, \
            Register(folders[1], lifetime="3s", extra="others = true\n") as b:
        for r in a, b:
            r.start()
        # MLR-08: at every one.
        for r in a, b:
            assert Host(r).update(PERM, "192.0.2.9", 5)["status"] == OK
            assert Host(r).query(PERM)["coa"] == "192.0.2.9"
        b.stop()
        for name in os.listdir(folders[1]):
            if name.startswith("hlr.db"):
                os.unlink(os.path.join(folders[1], name))
        b.start()
        # It does not deny what it does not know; a restart changes nothing.
        assert Host(b).query(PERM)["status"] == LATER
        b.stop(signal.SIGKILL)
        b.start()
        assert Host(b).query(PERM)["status"] == LATER
        assert Host(a).query(PERM)["coa"] == "192.0.2.9"
        # The next refresh brings it back.
        assert Host(b).update(PERM, "192.0.2.9", 5)["status"] == OK
        assert Host(b).query(PERM)["coa"] == "192.0.2.9"
        # Whoever has not refreshed within a lifetime is not there.
        assert Host(b).query("10.78.0.1")["status"] == LATER
        until(lambda: Host(b).query("10.78.0.1")["status"] == NONE,
              "it knows enough")
        a.stop()
        b.stop()


def disagreeing_registers_agree_again(folder):
    """OPEN-38: one that missed a move takes the newer, never the older"""
    folders = [os.path.join(folder, n) for n in "ab"]
    for f in folders:
        os.mkdir(f)
    with Register(folders[0]) as a, Register(folders[1]) as b:
        for r in a, b:
            r.start()
            assert Host(r).update(PERM, "192.0.2.9", 5)["status"] == OK
        b.stop()
        assert Host(a).update(PERM, "192.0.2.10", 6)["status"] == OK
        b.start()
        assert Host(b).query(PERM)["seq"] == 5
        # The mobile host repeats what b did not acknowledge ...
        assert Host(b).update(PERM, "192.0.2.10", 6)["status"] == OK
        # ... and a late copy of the older is refused with the newer.
        for r in a, b:
            e = Host(r).update(PERM, "192.0.2.9", 5)
            assert (e["status"], e["seq"], e["coa"]) == (
                STALE, 6, "192.0.2.10"), e
            assert Host(r).query(PERM)["coa"] == "192.0.2.10"
            r.stop()


def nth(i):
    """The i-th permanent address of fill(), and its care-of address."""
    return (str(ipaddress.IPv6Address(0x20010db800770000 << 64 | i)),
            str(ipaddress.IPv6Address(0xfd << 120 | i)))


def fill(r, n):
    """Registers nth(1) to nth(n)."""
    h, base, todo = Host(r), time.time_ns(), 0
    for first in range(1, n + 1, 24):
        entries = [entry(*nth(i), 1, 300) for i in range(first, min(first + 24, n + 1))]
        h.send(message(UPDATE, entries, ident=base + first, nonce=first))
        todo += 1
        if todo % 40 == 0 or first + 24 > n:
            while todo:
                reply = h.receive()
                assert all(e["status"] == OK for e in reply["entries"]), reply
                todo -= 1


LARGE = 100000  # more than is loaded before the first answer


def large_store_is_loaded_while_it_answers(folder):
    """OPEN-45: newest mappings answer at once, the rest says later, then all"""
    with Register(folder, extra="rate = 0\n").start() as r:
        fill(r, LARGE)
        r.stop(signal.SIGKILL)
        r.start()
        h, later, n = Host(r), 0, 0
        while r.control("status")["result"]["loading"]:
            n += 1
            newest = h.query(nth(LARGE)[0])
            assert newest["coa"] == nth(LARGE)[1], newest
            oldest = h.query(nth(1)[0])
            assert oldest["status"] in (OK, LATER), oldest
            later += oldest["status"] == LATER
            if oldest["status"] == LATER:
                # An update of what is not known yet may be older than it.
                e = h.update(nth(1)[0], "fd00::bad", 1)
                assert e["status"] in (LATER, STALE), e
        assert n == 0 or later, (n, later)
        assert "so far, the rest follows" in r.logged()
        status = r.control("status")["result"]
        assert status["mappings"] == LARGE, status
        for i in (1, 2, LARGE // 2, LARGE):
            assert h.query(nth(i)[0])["coa"] == nth(i)[1]
        r.stop()


def flip_a_bit(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 0x10]))


def a_changed_bit_stops_the_start(folder):
    """OPEN-45: one bit that the disk changed is found, told, and kept"""
    with Register(folder).start() as r:
        fill(r, 500)
        r.stop()
        with open(r.store, "rb") as f:
            # In a care-of address: a structure that SQLite knows stays whole.
            at = f.read().index(bytes([0xfd]) + bytes(13) + b"\1\0") + 5
        flip_a_bit(r.store, at)
        with open(r.store, "rb") as f:
            content = f.read()
        done = subprocess.run([f"{BIN}/roam-hlrd", "-c", r.conf, "-s", r.socket],
                              capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 2, done
        assert r.store in done.stderr and "check sum" in done.stderr, done.stderr
        assert "recover" in done.stderr, done.stderr
        with open(r.store, "rb") as f:
            assert f.read() == content


def damage_far_down_is_survived(folder):
    """OPEN-45: what was read before the damage is served, updates are not"""
    with Register(folder, extra="rate = 0\n").start() as r:
        fill(r, LARGE)
        r.stop()
        with open(r.store, "rb") as f:
            at = f.read().index(bytes([0xfd]) + bytes(13) + b"\0\7") + 5
        flip_a_bit(r.store, at)
        r.start()
        h = Host(r)

        def store_error():
            return r.control("status")["result"].get("store_error") or ""

        until(lambda: "check sum" in store_error(), "the damage is found")
        assert "recover" in store_error(), store_error()
        newest, place = nth(LARGE)
        assert h.query(newest)["coa"] == place
        assert h.query(nth(1)[0])["status"] == LATER
        assert h.update(newest, "fd00::9", 2)["status"] == LATER
        assert h.query(newest)["seq"] == 1
        assert r.logged().count("is damaged") == 1, r.logged()
        r.stop()


def check_refusals(r, fill, free):
    """Nothing acknowledged is lost while @fill is in force, nor after @free."""
    h = Host(r)
    assert h.update(PERM, "192.0.2.9", 5)["status"] == OK
    fill()
    failed = 0
    for i in range(200):
        perm = f"10.78.{i}.1"
        e = h.update(perm, "192.0.2.50", 1)
        if e["status"] == LATER:
            failed += 1
            assert h.query(perm)["status"] == NONE
            status = r.control("status")["result"]
            assert status["store"] == "failing", status
            assert ("free space" in status["store_error"] or
                    "limit" in status["store_error"]), status
        else:
            assert e["status"] == OK, e
    assert failed, "the limit did not bite"
    assert h.query(PERM)["coa"] == "192.0.2.9"
    assert r.counters()["store_failures"] == failed
    assert r.logged().count("cannot ") <= 3, r.logged()
    free()
    assert h.update(PERM, "192.0.2.11", 6)["status"] == OK
    assert r.control("status")["result"]["store"] == "ok"
    good = {m["permanent"]: m["care_of"] for m in r.control("show")["result"]}
    r.stop(signal.SIGKILL)
    r.start()
    again = {m["permanent"]: m["care_of"] for m in r.control("show")["result"]}
    assert again == good, (len(again), len(good))
    assert again[PERM] == "192.0.2.11"
    r.stop()


def file_limit_refuses(folder):
    """OPEN-45: at a file size limit updates are answered 'later', none is lost"""
    with Register(folder).start() as r:
        def limit(value):
            resource.prlimit(r.process.pid, resource.RLIMIT_FSIZE,
                             (value, resource.RLIM_INFINITY))

        check_refusals(r, lambda: limit(os.path.getsize(r.store + "-wal")),
                       lambda: limit(resource.RLIM_INFINITY))


def full_disk_refuses(folder):
    """OPEN-45: on a full disk updates are answered 'later', none is lost"""
    disk = os.path.join(folder, "disk")
    filler = os.path.join(disk, "filler")
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "roam-test",
                       disk], stderr=subprocess.DEVNULL).returncode:
        raise Skip("mounting a small disk needs root")

    def fill():
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(4096))
            except OSError:
                pass

    try:
        with Register(folder) as r:
            with open(r.conf) as f:
                text = f.read()
            r.write_conf(text.replace(r.store, disk + "/hlr.db"))
            r.start()
            check_refusals(r, fill, lambda: os.unlink(filler))
    finally:
        subprocess.run(["umount", disk], check=True)


def damaged_store_is_not_replaced(folder):
    """OPEN-45: a damaged database stops the start with what to try"""
    r = Register(folder)
    for content in (b"SQLite format 3\0" + b"\xff" * 8192, b"no database" * 500):
        with open(r.store, "wb") as f:
            f.write(content)
        done = subprocess.run([f"{BIN}/roam-hlrd", "-c", r.conf, "-s", r.socket],
                              capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 2, done
        assert r.store in done.stderr and "recover" in done.stderr, done.stderr
        with open(r.store, "rb") as f:
            assert f.read() == content


def reload_is_atomic(folder):
    """a broken configuration changes nothing, a good one takes effect at once"""
    with Register(folder).start() as r:
        h = Host(r)
        with open(r.conf) as f:
            good = f.read()
        r.write_conf(good + "lifetme = 1s\n")
        r.process.send_signal(signal.SIGHUP)
        until(lambda: "did you mean 'lifetime'" in r.logged(), "the mistake")
        assert h.update(PERM, "192.0.2.9", 5)["lifetime"] == 300
        r.write_conf(good.replace("lifetime = 300s", "lifetime = 60s"))
        r.process.send_signal(signal.SIGHUP)
        until(lambda: "configuration reloaded" in r.logged(), "the reload")
        assert h.update(PERM, "192.0.2.9", 6)["lifetime"] == 60
        # Another port: the new one is open, the old one is not.
        old, r.port = r.port, free_port()
        r.write_conf(good.replace(str(old), str(r.port)))
        r.process.send_signal(signal.SIGHUP)
        until(lambda: r.logged().count("configuration reloaded") == 2, "port")
        assert Host(r).query(PERM)["coa"] == "192.0.2.9"
        r.stop()


def events_are_streamed(folder):
    """monitor tells registered, moved, refused and expired with their reason"""
    with Register(folder, lifetime="1s", tombstone="1s").start() as r:
        h = Host(r)
        env = dict(os.environ, ROAM_RUN_DIR=r.folder)
        tool = subprocess.Popen([f"{BIN}/roam", "-j", "monitor", "hlr"],
                                env=env, text=True, stdout=subprocess.PIPE)
        try:
            # No sign but an event that the stream has begun: refuse until then.
            os.set_blocking(tool.stdout.fileno(), False)
            first = []

            def provoke():
                h.update("10.99.0.1", "192.0.2.9", 1)
                line = tool.stdout.readline()
                if line:
                    first.append(json.loads(line))
                return first

            until(provoke, "the first event")
            assert first[0]["event"] == "refused", first
            assert first[0]["reason"] == "denied", first
            os.set_blocking(tool.stdout.fileno(), True)
            h.update(PERM, "192.0.2.9", 5)
            h.update(PERM, "192.0.2.10", 6)
            seen = []
            while not seen or seen[-1]["event"] != "expired":
                seen.append(json.loads(tool.stdout.readline()))
            seen = [e for e in seen if e["event"] != "refused"]
            assert [(e["event"], e["old_care_of"], e["care_of"]) for e in seen] == [
                ("registered", None, "192.0.2.9"),
                ("moved", "192.0.2.9", "192.0.2.10"),
                ("expired", "192.0.2.10", None)], seen
            assert all(e["permanent"] == PERM and e["key"] == 7 and
                       e["object"] == "hlr" for e in seen), seen
        finally:
            tool.kill()
            tool.wait()
            tool.stdout.close()
        r.stop()


def readiness_is_told(folder):
    """the service manager hears READY, STATUS, WATCHDOG and STOPPING"""
    for address in ("\0roam-test-%d" % os.getpid(), folder + "/notify"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(address)
            s.settimeout(WAIT)
            with Register(folder) as r:
                r.start(env={"NOTIFY_SOCKET": address.replace("\0", "@"),
                             "WATCHDOG_USEC": "200000"})
                told = s.recv(4096).decode()
                assert told.startswith("READY=1\nSTATUS=0 mappings"), told
                assert s.recv(4096) == b"WATCHDOG=1"
                r.process.terminate()
                while not told.startswith("STOPPING=1"):
                    told = s.recv(4096).decode()
                assert r.process.wait(WAIT) == 0


def privileges_are_dropped(folder):
    """no capability is left before the first datagram is read"""
    with Register(folder).start() as r:
        with open(f"/proc/{r.process.pid}/status") as f:
            lines = dict(line.split(":\t", 1) for line in f.read().splitlines()
                         if ":\t" in line)
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(lines[name], 16) == 0, (name, lines[name])
        assert lines["NoNewPrivs"].strip() == "1"
        r.stop()


def no_core_is_left(folder):
    """SEC-09: a daemon leaves no core file, which would hold its keys"""
    with Register(folder).start(preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (-1, -1))) as r:
        assert resource.prlimit(r.process.pid, resource.RLIMIT_CORE) == (0, 0)
        r.stop()


def two_registers_do_not_share(folder):
    """a second daemon on the same socket or store refuses to start"""
    with Register(folder).start() as r:
        done = subprocess.run([f"{BIN}/roam-hlrd", "-c", r.conf, "-s",
                               folder + "/other.sock"],
                              capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 2 and "another process" in done.stderr, done
        r.write_conf(open(r.conf).read().replace("hlr.db", "b.db").replace(
            str(r.port), str(free_port())))
        done = subprocess.run([f"{BIN}/roam-hlrd", "-c", r.conf, "-s",
                               r.socket], capture_output=True, text=True,
                              timeout=WAIT)
        assert done.returncode == 2 and "another daemon" in done.stderr, done
        assert r.answers()
        r.stop()


def many_hosts_at_once(folder):
    """MLR-01: a burst is committed in groups and every update is answered"""
    with Register(folder).start() as r:
        h = Host(r)
        base = time.time_ns()
        n, burst, got = 500, 100, set()
        for i in range(n):
            h.send(message(UPDATE, [entry(f"10.78.{i // 250}.{i % 250 + 1}",
                                          "192.0.2.9", 1, 300)],
                           ident=base + i, nonce=i))
            # More answers than these need not fit into our own socket.
            if i % burst == burst - 1:
                got |= {h.receive()["nonce"] for _ in range(burst)}
        assert len(got) == n, len(got)
        c = r.counters()
        assert c["updates"] == n and c["commits"] < n, c
        shown = json.loads(r.tool("-j", "hlr", "show").stdout)
        order = [ipaddress.ip_address(m["permanent"]) for m in shown]
        assert len(order) == n and order == sorted(order)
        r.stop()


def what_waits_is_one_commit(folder):
    """MLR-01: updates that wait become durable together, copies wait with them"""
    with Register(folder).start() as r:
        h, n, base = Host(r), 200, time.time_ns()
        r.process.send_signal(signal.SIGSTOP)
        for i in range(n):
            h.send(message(UPDATE, [entry(f"10.78.0.{i + 1}", "192.0.2.9", 1,
                                          300)], ident=base + i, nonce=i))
        h.send(message(QUERY, [entry("10.78.0.1")], nonce=n))
        r.process.send_signal(signal.SIGCONT)
        replies = [h.receive() for _ in range(n + 1)]
        assert all(x["entries"][0]["status"] == OK for x in replies), replies
        assert sorted(x["nonce"] for x in replies) == list(range(n + 1))
        # More than a system call brings, one or two all the same.
        assert r.counters()["commits"] <= 2, r.counters()
        r.stop()


def tool_reports_errors(folder):
    """exit codes 1 and 3, errors as JSON with -j, nothing on standard output"""
    r = Register(folder)
    done = r.tool("-j", "hlr", "show")
    error = json.loads(done.stderr)["error"]
    assert done.returncode == 3 and done.stdout == "", done
    assert error["code"] == "not_running" and "systemctl" in error["hint"]
    assert r.tool("hrl").returncode == 1
    assert r.tool("hlr", "s").returncode == 1
    assert "show, status" in r.tool("hlr", "s").stderr
    with r.start():
        assert r.tool("-j", "hlr", "show").stdout.strip() == "[]"
        assert r.tool("hlr", "show", "nonsense").returncode == 1
        assert r.tool("hl", "stat").returncode == 0
        batch = os.path.join(folder, "batch")
        with open(batch, "w") as f:
            f.write("hlr show # comment\n\nhlr nonsense\nhlr status\n")
        done = r.tool("-j", "-force", "-b", batch)
        assert done.returncode == 4, done
        assert [x["line"] for x in json.loads(done.stdout)] == [1, 4], done
        assert json.loads(done.stderr)["error"]["line"] == 3, done
        assert r.tool("-b", batch).returncode == 1
        r.stop()


def help_fits(folder):
    """every level has a help of at most 80 columns"""
    r = Register(folder)

    def visit(*words):
        done = r.tool(*words, "help")
        assert done.returncode == 0, (words, done)
        assert max(map(len, done.stdout.splitlines())) <= 80, (words, done.stdout)
        for word in r.tool("complete", *words, "").stdout.split():
            # Keywords of a leaf lead nowhere; a further help tells the same.
            if word != "help" and len(words) < 3 and "{ COMMAND | help }" in \
                    " ".join(done.stdout.split()):
                visit(*words, word)

    visit()


TESTS = [registers_and_answers, ipv6_is_served, newest_wins,
         a_retransmission_is_answered_again, restart_keeps_mapping,
         keys_roll_over, pair_keys_are_made, pair_keys_are_not_for_the_register,
         key_ids_have_a_limit, whereabouts_are_kept_private, a_flood_is_bounded,
         junk_is_charged_to_nobody, shown_by_source, shown_by_cookie,
         a_socket_of_each_family, squatters_go,
         unfit_addresses_are_refused, old_messages_are_refused,
         bytes_out_for_bytes_in, rights_are_told, no_core_is_left, a_long_listing_comes_in_slices,
         an_empty_register_says_later, disagreeing_registers_agree_again,
         large_store_is_loaded_while_it_answers,
         a_changed_bit_stops_the_start, damage_far_down_is_survived,
         mapping_expires, forged_messages_change_nothing, rights_are_kept,
         file_limit_refuses, full_disk_refuses, damaged_store_is_not_replaced,
         reload_is_atomic, events_are_streamed, readiness_is_told,
         privileges_are_dropped, two_registers_do_not_share,
         many_hosts_at_once, what_waits_is_one_commit, tool_reports_errors, help_fits]


def isolate():
    """A network of our own, where addresses of the documentation are local."""
    if "ROAM_ISOLATED" not in os.environ:
        os.environ["ROAM_ISOLATED"] = "yes"
        as_root = [] if os.geteuid() == 0 else ["-r"]
        os.execvp("unshare", ["unshare", "-n", *as_root, sys.executable, *sys.argv])
    for command in ("link set lo up", "route add local 192.0.2.0/24 dev lo",
                    "-6 address add 2001:db8:1::9/64 dev lo nodad"):
        subprocess.run(["ip", *command.split()], check=True)


def main():
    isolate()
    chosen = [t for t in TESTS if os.environ.get("CASE", "") in t.__name__]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, test in enumerate(chosen, 1):
        with tempfile.TemporaryDirectory(prefix="roam-hlrd-") as folder:
            note = ""
            try:
                test(folder)
                verdict = "ok"
            except Skip as reason:
                verdict, note = "ok", f" # SKIP {reason}"
            except Exception as error:  # pylint: disable=broad-except
                verdict = "not ok"
                failed += 1
                print(f"# {type(error).__name__}: {str(error)[:2000]!r}")
                log = os.path.join(folder, "log")
                if os.path.exists(log):
                    with open(log) as f:
                        for line in f.read()[-4000:].splitlines():
                            print(f"# {line}")
        print(f"{verdict} {number} - {test.__name__}: {test.__doc__}{note}",
              flush=True)
    sys.exit(1 if failed else 0)


main()
