#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The home agent as a whole: real daemon, real UDP, real disk, real tool.

BIN names the folder with roam-agentd and roam. Messages are made and read by
RFC 5944 with other libraries (hmac, hashlib, scapy), not by the project's
codec. Runs in a network namespace of its own. Prints TAP.
"""
import hashlib
import hmac
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BIN = os.path.abspath(os.environ.get("BIN", "build/bin-san"))
AGENT, COA, COA2 = "10.77.0.1", "192.0.2.1", "192.0.2.2"
NODES = 400
WAIT = 20  # seconds for something that normally takes milliseconds
NTP = 2208988800

if os.environ.get("ROAM_IN_NS") != "1":
    os.environ["ROAM_IN_NS"] = "1"
    try:
        subprocess.run(["unshare", "-n", "true"], check=True,
                       stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        print("1..1\nok 1 - agentd # SKIP no network namespace of its own")
        sys.exit(0)
    os.execvp("unshare", ["unshare", "-n", "/usr/bin/python3",
                          os.path.abspath(__file__)])

from scapy.layers.mobileip import MobileIP  # pylint: disable=wrong-import-position


def home(n):
    return f"10.77.{n // 250}.{n % 250 + 5}"


def key(n):
    return hashlib.sha256(b"key %d" % n).digest()[:16]


def ip(addr):
    return socket.inet_aton(addr)


def mac(algorithm, secret, data):
    if algorithm == "hmac-sha256":
        return hmac.new(secret, data, hashlib.sha256).digest()
    if algorithm == "hmac-md5":
        return hmac.new(secret, data, hashlib.md5).digest()
    return hashlib.md5(secret + data + secret).digest()


LENGTH = {"hmac-sha256": 32, "hmac-md5": 16, "keyed-md5": 16}


def now_id(skew=0.0):
    now = time.time() + NTP + skew
    return int(now) << 32 | int((now % 1) * 2 ** 32)


def extension(kind, data):
    return bytes([kind, len(data)]) + data


def signed(data, secret, spi=300, algorithm="hmac-sha256", kind=32):
    data += bytes([kind, 4 + LENGTH[algorithm]]) + struct.pack(">I", spi)
    return data + mac(algorithm, secret, data)


def request(n=0, coa=COA, lifetime=600, flags=0, ident=None, agent=AGENT,
            extensions=b"", algorithm="hmac-sha256", secret=None):
    ident = now_id() if ident is None else ident
    data = struct.pack(">BBH4s4s4sQ", 1, flags, lifetime, ip(home(n)),
                       ip(agent), ip(coa), ident) + extensions
    return signed(data, secret or key(n), algorithm=algorithm)


def parse(data, secret, algorithm="hmac-sha256"):
    """The reply, after its authenticator was computed again."""
    kind, code, lifetime, addr, agent, ident = struct.unpack(
        ">BBH4s4sQ", data[:20])
    at = 20
    while data[at] != 32:
        at += 2 + data[at + 1]
    assert data[at + 1] == 4 + LENGTH[algorithm], data.hex()
    assert mac(algorithm, secret, data[:at + 6]) == \
        data[at + 6:at + 6 + LENGTH[algorithm]], "wrong authenticator"
    assert kind == 3
    other = MobileIP(data)
    assert other.code == code and other.lifetime == lifetime
    assert other.homeaddr == socket.inet_ntoa(addr)
    return dict(code=code, lifetime=lifetime, home=socket.inet_ntoa(addr),
                agent=socket.inet_ntoa(agent), id=ident)


class Skip(Exception):
    """The machine does not let it be tried, and why."""


class Agent:
    """A roam-agentd in a folder of its own, for NODES nodes."""

    def __init__(self, folder, options="", home_options="", node_options="", sections="", env=None):
        self.folder, self.process = folder, None
        self.conf = os.path.join(folder, "agentd.conf")
        self.socket = os.path.join(folder, "agentd.sock")
        keys = os.path.join(folder, "keys.key")
        with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            for n in range(NODES):
                f.write(f"{n + 1} {key(n).hex()}\n")
        with open(self.conf, "w") as f:
            f.write(f'keys = "{keys}"\nstore = "{folder}/agent.db"\n'
                    f'device = ""\nrate = 0\n{options}\n'
                    f'home "{AGENT}" {{ network = "10.77.0.0/16" '
                    f'lifetime = 1h {home_options} }}\n')
            for n in range(NODES):
                f.write(f'node "{home(n)}" {{ spi = 300 key = {n + 1} '
                        f'{node_options} }}\n')
            f.write(sections)
        self.env = dict(os.environ, **(env or {}))
        self.start()

    def start(self):
        with open(os.path.join(self.folder, "log"), "a") as log:
            self.process = subprocess.Popen(
                [f"{BIN}/roam-agentd", "-c", self.conf, "-s", self.socket],
                stdout=log, stderr=log, env=self.env)
        deadline = time.time() + WAIT
        while time.time() < deadline:
            if self.tool("status", check=False):
                return
            assert self.process.poll() is None, "the daemon ended"
            time.sleep(0.05)
        raise AssertionError("the daemon does not answer")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(WAIT)

    def tool(self, *words, check=True):
        out = subprocess.run([f"{BIN}/roam", "-j", "agent", *words],
                             env={**os.environ, "ROAM_RUN_DIR": self.folder},
                             capture_output=True, text=True)
        if check:
            assert out.returncode == 0, out.stdout + out.stderr
        return json.loads(out.stdout) if out.returncode == 0 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class Client:
    """A socket at a care-of address."""

    def __init__(self, addr=COA):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.s.bind((addr, 0))
        self.s.settimeout(WAIT)

    def send(self, data, to=AGENT):
        self.s.sendto(data, (to, 434))

    def ask(self, data, secret=None, algorithm="hmac-sha256", to=AGENT):
        self.send(data, to)
        reply, source = self.s.recvfrom(2048)
        assert source == (AGENT, 434), source
        return parse(reply, secret or key(0), algorithm)

    def silent(self, data, seconds=0.3):
        self.send(data)
        self.s.settimeout(seconds)
        try:
            raise AssertionError(f"an answer: {self.s.recv(2048).hex()}")
        except socket.timeout:
            pass
        finally:
            self.s.settimeout(WAIT)


def registers_and_ends(folder):
    """MIP-07 MIP-08 MIP-60: a client by the RFC registers, moves and ends its binding"""
    with Agent(folder) as agent:
        c = Client()
        ident = now_id()
        r = c.ask(request(ident=ident, flags=0x40))
        assert r == dict(code=0, lifetime=600, home=home(0), agent=AGENT,
                         id=ident), r
        rows = agent.tool("show")
        assert [r["care_of"] for r in rows] == [COA], rows
        assert rows[0]["flags"] == "B" and rows[0]["spi"] == 300
        assert Client(COA2).ask(request(coa=COA2))["code"] == 0
        assert [r["care_of"] for r in agent.tool("show")] == [COA2]
        assert c.ask(request(coa=home(0), lifetime=0))["code"] == 0
        assert agent.tool("show") == []


def algorithms(folder):
    """MIP-24 OPEN-27: every algorithm, computed by other libraries"""
    for algorithm in LENGTH:
        sub = os.path.join(folder, algorithm)
        os.mkdir(sub)
        with Agent(sub, node_options=f'algorithm = "{algorithm}"'):
            r = Client().ask(request(algorithm=algorithm),
                             algorithm=algorithm)
            assert r["code"] == 0, (algorithm, r)


def clocks(folder):
    """MIP-22 MIP-25: a replay is refused, a clock 10 s off is told how much"""
    with Agent(folder) as agent:
        c = Client()
        first = request()
        assert c.ask(first)["code"] == 0
        assert c.ask(first)["code"] == 133
        for skew in (-10, 10):
            ident = now_id(skew)
            r = c.ask(request(ident=ident))
            assert r["code"] == 133 and r["id"] & 0xffffffff == \
                ident & 0xffffffff
            offset = (r["id"] >> 32) - (ident >> 32)
            assert abs(offset + skew) <= 1, offset
        agent.stop(signal.SIGKILL)
        agent.start()
        assert c.ask(first)["code"] == 133


def nonces(folder):
    """MIP-25: nonces, over a restart too"""
    with Agent(folder, node_options='replay = "nonces"') as agent:
        c = Client()
        r = c.ask(request(ident=1))
        assert r["code"] == 133
        used = (r["id"] >> 32) << 32 | 2
        assert c.ask(request(ident=used))["code"] == 0
        agent.stop(signal.SIGKILL)
        agent.start()
        r = c.ask(request(ident=used, coa=COA2))
        assert r["code"] == 133


def hostile(folder):
    """MIP-20 MIP-62 OPEN-35: cut, long, altered and random messages change nothing"""
    with Agent(folder) as agent:
        c, good, rng = Client(), request(), random.Random(4)
        for n in range(len(good)):
            c.send(good[:n])
        for n in range(600):
            bad = bytearray(good)
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
            c.send(bytes(bad))
        for n in range(200):
            c.send(rng.randbytes(rng.randrange(1400)))
        c.send(good + bytes(1400))
        c.send(good[:24] + extension(99, b"?") + good[24:])
        deadline = time.time() + WAIT
        while agent.tool("counters")[0]["received"] < 800 and \
                time.time() < deadline:
            time.sleep(0.1)
        assert agent.tool("show") == []
        assert agent.tool("status")[0]["store"] == "ok"
        c = Client()
        c.silent(struct.pack(">BBH4s4s4sQ", 1, 0, 9, ip(home(0)), ip(AGENT),
                             ip(COA), now_id()))
        assert c.ask(request(secret=key(1)), key(0))["code"] == 131
        assert c.ask(request(coa="203.0.113.9"))["code"] == 129
        assert c.ask(request(flags=1))["code"] == 134
        assert c.ask(request(agent="10.77.255.255"))["code"] == 136
        assert c.ask(request())["code"] == 0


def kill(folder):
    """OPEN-45: kill -9 amid registrations loses none that was acknowledged"""
    with Agent(folder) as agent:
        c, acknowledged, rng = Client(), {}, random.Random(7)
        c.s.settimeout(0.05)
        for turn in range(5):
            coas = {}
            last = time.time() + 1.5
            kill_at = time.time() + 0.2 + 0.2 * turn
            killed = False
            while time.time() < last:
                for n in rng.sample(range(NODES), 40):
                    coas[n] = COA
                    c.send(request(n, lifetime=1000 + turn))
                while True:
                    try:
                        data = c.s.recv(2048)
                    except (socket.timeout, ConnectionRefusedError):
                        break
                    if data[1] == 0:
                        who = socket.inet_ntoa(data[4:8])
                        acknowledged[who] = 1000 + turn
                if not killed and time.time() > kill_at:
                    agent.stop(signal.SIGKILL)
                    killed = True
                    break
            # what was on its way when the daemon ended
            while True:
                try:
                    data = c.s.recv(2048)
                except (socket.timeout, ConnectionRefusedError):
                    break
                if data[1] == 0:
                    acknowledged[socket.inet_ntoa(data[4:8])] = 1000 + turn
            agent.start()
            rows = {r["home"]: r["lifetime"] for r in agent.tool("show")}
            for who, lifetime in acknowledged.items():
                assert rows.get(who, 0) >= lifetime, (turn, who, rows.get(who))
        assert len(acknowledged) > 100, len(acknowledged)


NAI = "vehicle@example.com"


def session(sub, ident=None, lifetime=600, addr="0.0.0.0", secret=None, nai=NAI):
    """A request of a session, by Documentation/protocols/sessions.md."""
    data = struct.pack(">BBH4s4s4sQ", 1, 0, lifetime, ip(addr), ip(AGENT), ip(COA),
                       now_id() if ident is None else ident)
    data += extension(131, nai.encode())
    data += extension(134, struct.pack(">HIH", 0, 32473, 1) + sub.encode())
    return signed(data, secret or key(0))


def sessions(folder):
    """SES-05 SES-12 SES-14 SES-18 SES-22 SES-23 SES-24 SES-25 SES-32 SES-33 SES-38 SES-39: sessions keep addresses over kill -9, end one by one"""
    pool = 'pool = "10.77.200.1-10.77.200.40" quiet = 20s'
    node = f'node "{NAI}" {{ spi = 300 key = 1 sessions = 30 }}'
    with Agent(folder, options="", home_options=pool, sections=node) as agent:
        client, had = Client(), {}
        for n in range(20):
            answer = client.ask(session(f"device {n}"), key(0))
            assert answer["code"] == 0, answer
            had[f"device {n}"] = answer["home"]
        assert len(set(had.values())) == 20
        assert all(a.startswith("10.77.200.") for a in had.values())
        # a wrong key takes nothing
        assert client.ask(session("thief", secret=key(1)), key(0))["code"] == 131
        agent.stop(signal.SIGKILL)
        agent.start()
        rows = agent.tool("sessions")
        assert {r["sub_nai"]: r["home"] for r in rows} == had
        assert all(r["nai"] == NAI and r["care_of"] == COA for r in rows)
        # each keeps its address, whether it asks for it or not
        assert client.ask(session("device 3"), key(0))["home"] == had["device 3"]
        assert client.ask(session("device 4", addr=had["device 4"]), key(0))["code"] == 0
        assert client.ask(session("device 3", lifetime=0, addr=had["device 3"]), key(0))["code"] == 0
        assert len(agent.tool("show")) == 19
        # it rests: another one that comes live gets another
        assert client.ask(session("late"), key(0))["home"] not in had.values()
        # the limit of the NAI
        codes = [client.ask(session(f"flood {n}"), key(0))["code"] for n in range(15)]
        assert codes == [0] * 9 + [130] * 6, codes


def names_in(reply):
    """NAI and sub-NAI of a reply, by Documentation/protocols/sessions.md."""
    at, found = 20, {}
    while at < len(reply):
        found[reply[at]] = reply[at + 2:at + 2 + reply[at + 1]]
        at += 2 + reply[at + 1]
    assert found[134][:8] == struct.pack(">HIH", 0, 32473, 1), found
    return found[131].decode(), found[134][8:].decode()


def killed_before_the_reply(folder):
    """SES-18 SES-19 SES-32 MIP-62: kill -9 between lease and reply, and the session has that address"""
    pool = 'pool = "10.77.200.1-10.77.200.40"'
    node = f'node "{NAI}" {{ spi = 300 key = 1 sessions = 30 }}'
    with Agent(folder, home_options=pool, sections=node) as agent:
        c = Client()
        first = c.ask(session("device 0"), key(0))["home"]
        with subprocess.Popen(["strace", "-f", "-p", str(agent.process.pid), "-o", f"{folder}/trace",
                               "-e", "trace=sendto,sendmsg,sendmmsg",
                               "-e", "inject=sendto,sendmsg,sendmmsg:signal=SIGKILL"],
                              stderr=subprocess.PIPE, text=True) as tracer:
            line = tracer.stderr.readline()
            if "not permitted" in line:
                raise Skip("no process may be traced here")
            assert "attached" in line, line
            c.send(session("device 1"))
            assert agent.process.wait(WAIT) == -signal.SIGKILL
        # the reply did not leave
        c.s.settimeout(0.3)
        try:
            raise AssertionError(f"an answer: {c.s.recv(2048).hex()}")
        except socket.timeout:
            c.s.settimeout(WAIT)
        agent.start()
        had = {r["sub_nai"]: r["home"] for r in agent.tool("sessions")}
        assert had["device 0"] == first and had["device 1"] != first, had
        # another session does not get it, and the first one that asks again does
        assert c.ask(session("device 2"), key(0))["home"] not in had.values()
        c.send(session("device 1"))
        reply = c.s.recv(2048)
        assert parse(reply, key(0))["home"] == had["device 1"]
        assert names_in(reply) == (NAI, "device 1")


def memory(agent):
    with open(f"/proc/{agent.process.pid}/statm") as f:
        return int(f.read().split()[1]) * 4096


# AddressSanitizer keeps what was freed; tests of memory are not about it.
FREES = {"ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}


def flood(folder):
    """OPEN-32: a flood of requests keeps memory bounded and the daemon answering"""
    with Agent(folder, options="rate = 1000", env=FREES) as agent:
        c = Client()
        assert c.ask(request())["code"] == 0
        other, rng = Client(COA2), random.Random(1)
        bad = [request(n, coa=COA2, secret=b"x" * 16) for n in range(200)]
        for n in range(25000):
            other.send(rng.choice(bad))
            # The first ones fill what libraries and sanitizer set aside once.
            if n == 5000:
                assert c.ask(request())["code"] == 0
                before = memory(agent)
        assert c.ask(request())["code"] == 0
        assert memory(agent) - before < 8 << 20, memory(agent) - before
        counters = agent.tool("counters")[0]
        assert counters["drop_home_rate"] > 0, counters
        assert len(agent.tool("show")) == 1


def flood_of_names(folder):
    """SES-16 SES-35 SES-39 OPEN-32: a flood of sub-NAIs under one NAI takes what the NAI may have, another NAI goes on"""
    other = "other@example.com"
    nodes = "".join(f'node "{nai}" {{ spi = 300 key = {n} sessions = 16 }}\n'
                    for n, nai in enumerate((NAI, other), 1))
    with Agent(folder, home_options='pool = "10.77.200.1-10.77.200.40"', sections=nodes,
               env=FREES) as agent:
        c, codes = Client(), {0: 0, 130: 0}
        first = c.ask(session("device", nai=other, secret=key(1)), key(1))
        assert first["code"] == 0, first
        for n in range(1200):
            # The first ones fill what libraries and sanitizer set aside once.
            if n == 200:
                before = memory(agent)
            c.send(session(f"device {n}"))
            codes[c.s.recv(2048)[1]] += 1
        assert codes == {0: 16, 130: 1184}, codes
        assert memory(agent) - before < 8 << 20, memory(agent) - before
        # the same name under the other one is another session, and has its address
        again = c.ask(session("device", nai=other, secret=key(1)), key(1))
        assert again["code"] == 0 and again["home"] == first["home"], again
        assert c.ask(session("device 7", nai=other, secret=key(1)), key(1))["code"] == 0
        rows = agent.tool("sessions")
        assert len(rows) == len({r["home"] for r in rows}) == 18, rows
        assert sorted(r["nai"] for r in rows) == [other] * 2 + [NAI] * 16
        # those that were there go on
        assert c.ask(session("device 7"))["code"] == 0


def full_disk(folder):
    """MIP-62: on a full disk requests are answered 130 and nothing is bound"""
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk],
                   check=True)
    try:
        with Agent(disk) as agent:
            c = Client()
            assert c.ask(request())["code"] == 0
            fd = os.open(os.path.join(disk, "fill"),
                         os.O_WRONLY | os.O_CREAT)
            try:
                while os.write(fd, bytes(4096)):
                    pass
            except OSError:
                pass
            os.close(fd)
            codes = [c.ask(request(n, lifetime=60), key(n))["code"]
                     for n in range(1, 100)]
            assert 130 in codes, codes
            bound = {r["home"] for r in agent.tool("show")}
            for n, code in enumerate(codes, 1):
                assert (home(n) in bound) == (code == 0), (n, code)
            os.unlink(os.path.join(disk, "fill"))
            deadline = time.time() + WAIT
            while c.ask(request(200), key(200))["code"] != 0:
                assert time.time() < deadline
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def refused_configurations(folder):
    """GEN-05: mistakes in the configuration are named with their line"""
    cases = [
        ('home "10.77.0.1" { network = "10.77.0.5/24" }', "home network"),
        ('', "neither home nor foreign agent"),
        ('home "x" { network = "10.77.0.0/24" }', "no IPv4 address"),
        ('home "10.77.0.1" { network = "10.77.0.0/24" bindings = 9 }',
         "bindings"),
        ('foreign "eth0" { interval = 5ms }', "20ms"),
        ('foreign "eth0" { lifetme = 5s }', "did you mean 'lifetime'"),
    ]
    for text, sentence in cases:
        path = os.path.join(folder, "x.conf")
        with open(path, "w") as f:
            f.write(text + "\n")
        out = subprocess.run([f"{BIN}/roam-agentd", "-c", path, "--check"],
                             capture_output=True, text=True)
        assert out.returncode != 0 and sentence in out.stderr + out.stdout, \
            (text, out.stderr, out.stdout)


def one_system_for_an_address(folder):
    """TEN-28: a home address that another link has is refused, with the reason"""
    subprocess.run(["ip", "link", "add", "mnt0", "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "add", "lrt0", "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", "10.78.0.5/32", "dev", "lrt0"],
                   check=True)
    keys, conf = os.path.join(folder, "k.key"), os.path.join(folder, "c.conf")
    with open(os.open(keys, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(f"1 {key(0).hex()}\n")
    with open(conf, "w") as f:
        f.write(f'home = "10.78.0.5/24"\nspi = 300\nkey = 1\n'
                f'keys = "{keys}"\nhome_device = "mnt0"\ndevice = ""\n')
    out = subprocess.run([f"{BIN}/roam-mnd", "-c", conf, "-s",
                          f"{folder}/mnd.sock"], capture_output=True,
                         text=True, timeout=WAIT)
    assert out.returncode and "roam-lrd" in out.stderr, out


TESTS = [one_system_for_an_address, registers_and_ends, algorithms, clocks, nonces, hostile, kill, sessions,
         killed_before_the_reply, flood, flood_of_names,
         full_disk, refused_configurations]


def main():
    for words in (["link", "set", "lo", "up"],
                  *(["address", "add", f"{a}/32", "dev", "lo"]
                    for a in (AGENT, COA, COA2))):
        subprocess.run(["ip", *words], check=True)
    chosen = [t for t in TESTS if os.environ.get("CASE", "") in t.__name__]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    for number, test in enumerate(chosen, 1):
        with tempfile.TemporaryDirectory(prefix="roam-agentd-") as folder:
            verdict = "ok"
            try:
                test(folder)
            except Skip as why:
                print(f"ok {number} - {test.__doc__} # SKIP {why}", flush=True)
                continue
            except Exception as error:  # pylint: disable=broad-except
                verdict = "not ok"
                failed += 1
                print(f"# {type(error).__name__}: {str(error)[:1000]!r}")
                log = os.path.join(folder, "log")
                if os.path.exists(log):
                    with open(log) as f:
                        for line in f.read()[-2000:].splitlines():
                            print(f"# {line}")
        print(f"{verdict} {number} - {test.__doc__}", flush=True)
    sys.exit(1 if failed else 0)


main()
