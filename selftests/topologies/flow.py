# SPDX-License-Identifier: GPL-2.0-or-later
"""One end of a flow: numbered datagrams at a steady rate, and what came of the other's.

  flow.py OWN OTHER SECONDS RATE FILE

Both ends do the same. Numbers begin when both were heard, so that neither's start
counts as loss; FILE.ready tells that they were. Into FILE goes "received lost twice
gap", the gap in ms being the longest between two arrivals. FILE.lost says which were lost,
and when they were sent. FILE.now has "received missing" meanwhile, a few times a second:
what is missing may still be on its way. With FLOW_TIMES in the environment FILE.times has
the time of each arrival, first copies only.
"""
import os
import socket
import sys
import time

own, other, seconds, rate, file = sys.argv[1:]
seconds, rate = float(seconds), int(rate)
family = socket.AF_INET6 if ":" in own else socket.AF_INET
sock = socket.socket(family, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
sock.bind((own, 9000))
sock.settimeout(0.05)


def say(number):
    try:
        sock.sendto(b"%d" % number, (other, 9000))
    except OSError:
        pass  # no route for a moment: that one is lost, and counted


def hear():
    try:
        return int(sock.recv(64))
    except (OSError, ValueError):
        return None


HELLO, HEARD = -1, -2
heard = agreed = False
deadline = time.monotonic() + 60
while not agreed:
    if time.monotonic() > deadline:
        sys.exit("nobody is there")
    say(HEARD if heard else HELLO)
    got = hear()
    heard = heard or got is not None
    agreed = got is not None and got != HELLO
say(HEARD)
say(HEARD)
with open(file + ".ready", "w") as out:
    print("ready", file=out)

seen = {}
times = [] if os.environ.get("FLOW_TIMES") else None
gap, last = 0.0, None
sock.setblocking(False)


def drain(now):
    global gap, last
    while True:
        got = hear()
        if got is None:
            return
        if got < 0:
            continue
        if got in seen:
            seen[got] += 1
            continue
        seen[got] = 1
        if times is not None:
            times.append(now)
        if last is not None:
            gap = max(gap, now - last)
        last = now


said = 0.0


def tell(now):
    global said
    if now - said < 0.2:
        return
    said = now
    with open(file + ".tmp", "w") as out:
        print(len(seen), max(seen, default=-1) + 1 - len(seen), file=out)
    os.rename(file + ".tmp", file + ".now")


total = int(seconds * rate)
start = time.monotonic()
number = 0
while number < total:
    now = time.monotonic()
    due = min(total, int((now - start) * rate) + 1)
    while number < due:
        say(number)
        number += 1
    drain(now)
    tell(now)
    time.sleep(max(0, start + number / rate - time.monotonic()))
end = time.monotonic() + 3
while time.monotonic() < end and len(seen) < total:
    drain(time.monotonic())
    time.sleep(0.01)
drain(time.monotonic())
if times is not None:
    with open(file + ".times", "w") as out:
        out.writelines("%.6f\n" % t for t in times)
with open(file + ".lost", "w") as out:
    # The other end began at about the same time.
    began = time.time() - time.monotonic() + start
    number = 0
    while number < total:
        if number in seen:
            number += 1
            continue
        first = number
        while number < total and number not in seen:
            number += 1
        clock = began + first / rate
        print("numbers %d to %d, sent at about %s.%03d" % (first, number - 1,
              time.strftime("%H:%M:%S", time.gmtime(clock)), int(clock * 1000) % 1000), file=out)
with open(file, "w") as out:
    print(len(seen), total - len(seen), sum(n - 1 for n in seen.values()),
          int(gap * 1000), file=out)
