# SPDX-License-Identifier: GPL-2.0-or-later
"""Lets a mobile host go from base station to base station, as fast as handoffs end.

  moves.py SOCKET MOVES SECONDS FILE STATION...

By the daemon's control socket, so that nothing is started for each. Ends after MOVES of
them or SECONDS. FILE gets a line for each: when it began, on the clock of flow.py, and
how many ms it took until the host was attached again. Prints their number.
"""
import json
import socket
import sys
import time

path, moves, seconds, file, *stations = sys.argv[1:]
sock = socket.socket(socket.AF_UNIX)
sock.connect(path)
lines = sock.makefile("r")


def ask(command, **args):
    sock.sendall((json.dumps({"command": command, "args": args}) + "\n").encode())
    answer = json.loads(lines.readline())
    if "error" in answer:
        sys.exit("%s: %s" % (command, answer["error"]["message"]))
    return answer["result"]


end = time.monotonic() + float(seconds)
number = 0
with open(file, "w") as out:
    while number < int(moves) and time.monotonic() < end:
        to = stations[number % len(stations)]
        begin = time.monotonic()
        ask("move", base_station=to)
        while True:
            state = ask("status")
            if state["base_station"] == to and state["state"] == "attached":
                break
            if time.monotonic() > end + 30:
                sys.exit("not attached at %s: %s" % (to, state))
            time.sleep(0.003)
        print("%.6f %.3f" % (begin, (time.monotonic() - begin) * 1000), file=out)
        number += 1
print(number)
