# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened in a run of the demo, read from the files it writes.

A Trace reads the captures and event logs as they grow, so the live view and the
report see the same facts: places, messages, moves, and what each connection
carried. All times are seconds of the guest's clock, as the kernel stamped them.
"""
from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

PERMANENT = "203.0.113.5"
CORRESPONDENT = "198.51.100.2"
REGISTER = "198.51.100.66"
NETWORKS = {"net1": "192.0.2.0/26", "net2": "192.0.2.64/26", "net3": "192.0.2.128/26"}
CONNECTIONS = {5201: "iperf3", 80: "curl", 22: "ssh"}
MESSAGES = {1: "query", 2: "answer", 3: "update", 4: "ack", 5: "announce", 6: "confirm"}
STATUS = ("ok", "none", "stale", "replay", "denied", "full", "later", "conflict")
LR_PORT = 17434
# Seconds that one point of a throughput curve stands for.
BIN = 0.25

ETH_IP, ETH_ARP = 0x0800, 0x0806
PACKET_OUTGOING = 4
IPPROTO_TCP, IPPROTO_UDP = 6, 17
TCP_RST = 4


@dataclass
class Packet:
    """One packet at one interface of the router, on its way in or out."""
    time: float
    interface: str
    out: bool
    src: str
    dst: str
    kind: str                   # "arp", "tcp" or the name of a message
    sport: int = 0
    dport: int = 0
    seq: int = 0
    payload: int = 0
    reset: bool = False
    status: str = "ok"
    care_of: str = ""
    key: tuple[Any, ...] = ()   # the same for the packet's way in and way out


@dataclass
class Arrow:
    """A message or segment on the ladder, from one host to another."""
    time: float
    kind: str
    src: str
    dst: str
    arrived: float | None = None
    label: str = ""


@dataclass
class Move:
    number: int
    net: str
    old_net: str
    old: str
    care_of: str
    lost: float
    address: float
    arrows: list[Arrow] = field(default_factory=list)
    notes: list[tuple[float, str, str]] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)
    registered: float | None = None
    confirmed: float | None = None
    stray: int = 0

    def gap(self, connection: str) -> float | None:
        """From the old link's end to the first payload on the new path."""
        at = self.first.get(connection)
        return None if at is None else at - self.lost

    @property
    def whole(self) -> float | None:
        """The same until every connection carried something again."""
        if len(self.first) < len(CONNECTIONS):
            return None
        return max(self.first.values()) - self.lost

    @property
    def over(self) -> bool:
        return self.whole is not None


class Capture:
    """A pcap file that may still grow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""

    def read(self) -> Iterator[tuple[float, bytes]]:
        """The packets that came since the last call: time and bytes."""
        if self._file is None:
            if not self._path.exists() or self._path.stat().st_size < 24:
                return
            self._file = self._path.open("rb")
            (magic,) = struct.unpack("<I", self._file.read(24)[:4])
            if magic != 0xA1B2C3D4:
                raise ValueError(f"{self._path} is no pcap file of this machine")
        data = self._rest + self._file.read()
        at = 0
        while at + 16 <= len(data):
            sec, usec, length, _ = struct.unpack_from("<4I", data, at)
            if at + 16 + length > len(data):
                break
            yield sec + usec / 1e6, data[at + 16:at + 16 + length]
            at += 16 + length
        self._rest = data[at:]


def lines(path: Path, offset: int) -> tuple[list[Any], int]:
    """The whole JSON lines of a file from offset on, and where they end."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return [json.loads(line) for line in data[:end].splitlines()], offset + end


def mapped_addr(raw: bytes) -> str:
    """An address of a message; "" where there is none."""
    if not any(raw):
        return ""
    if raw[:12] == bytes(10) + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)


def decode_message(data: bytes, packet: Packet) -> bool:
    """Documentation/protocols/location-register.md, the first entry."""
    if len(data) < 72 or data[0] != 1 or data[1] not in MESSAGES:
        return False
    packet.kind = MESSAGES[data[1]]
    packet.care_of = mapped_addr(data[40:56])
    status = data[68]
    packet.status = STATUS[status] if status < len(STATUS) else str(status)
    packet.key += (data[1], data[8:24])
    return True


def decode_packet(time: float, data: bytes, names: dict[int, str]) -> Packet | None:
    """A packet in the cooked form of "any" (LINKTYPE_LINUX_SLL2)."""
    if len(data) < 20:
        return None
    proto, _, index, _, kind = struct.unpack_from("!HHIHB", data)
    packet = Packet(time, names.get(index, ""), kind == PACKET_OUTGOING, "", "", "")
    data = data[20:]
    if proto == ETH_ARP and len(data) >= 28:
        packet.kind = "arp"
        packet.src = socket.inet_ntoa(data[14:18])
        packet.dst = socket.inet_ntoa(data[24:28])
        packet.status = "request" if data[7] == 1 else "reply"
        return packet
    if proto != ETH_IP or len(data) < 20:
        return None
    header = (data[0] & 15) * 4
    (total,) = struct.unpack_from("!H", data, 2)
    packet.src, packet.dst = (socket.inet_ntoa(data[at:at + 4]) for at in (12, 16))
    upper = data[header:]
    packet.sport, packet.dport = struct.unpack_from("!HH", upper)
    packet.key = (packet.src, packet.dst)
    if data[9] == IPPROTO_UDP:
        return packet if decode_message(upper[8:], packet) else None
    if data[9] != IPPROTO_TCP:
        return None
    packet.kind = "tcp"
    (packet.seq,) = struct.unpack_from("!I", upper, 4)
    packet.reset = bool(upper[13] & TCP_RST)
    packet.payload = total - header - (upper[12] >> 4) * 4
    return packet


@dataclass
class LinkEvent:
    time: float
    interface: str
    up: bool
    address: str = ""   # empty for a link, else the address that came


NLMSG_ALIGN = 4
NETLINK_ROUTE = 0
NOT_NEWS = 1 | 2    # NLM_F_REQUEST, NLM_F_MULTI
RTM_NEWLINK, RTM_NEWADDR = 16, 20
IFF_UP = 1
IFA_LOCAL = 2


def decode_links(time: float, data: bytes, names: dict[int, str]) -> Iterator[LinkEvent]:
    """Notifications of rtnetlink in the cooked form of nlmon. Requests that
    programs send and the dumps they get pass there too and do not count."""
    if len(data) < 16 or struct.unpack_from("!H", data, 14) != (NETLINK_ROUTE,):
        return
    data = data[16:]
    while len(data) >= 16:
        length, kind, flags = struct.unpack_from("=IHH", data)
        if length < 16:
            return
        # Long ones are cut; what is asked for stands in front.
        body = data[16:length]
        if kind == RTM_NEWLINK and not flags & NOT_NEWS and len(body) >= 12:
            index, state = struct.unpack_from("=II", body, 4)
            if index in names:
                yield LinkEvent(time, names[index], bool(state & IFF_UP))
        elif kind == RTM_NEWADDR and not flags & NOT_NEWS and len(body) >= 8:
            family, index = struct.unpack_from("=B3xI", body)
            local = attribute(body[8:], IFA_LOCAL)
            if family == socket.AF_INET and index in names and local:
                yield LinkEvent(time, names[index], True, socket.inet_ntoa(local))
        data = data[(length + NLMSG_ALIGN - 1) & -NLMSG_ALIGN:]


def attribute(data: bytes, wanted: int) -> bytes:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4 or length > len(data):
            break
        if kind == wanted:
            return data[4:length]
        data = data[(length + NLMSG_ALIGN - 1) & -NLMSG_ALIGN:]
    return b""


class Trace:
    """Everything known about a run so far; poll() reads what is new."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.steps: list[dict[str, Any]] = []
        self.moves: list[Move] = []
        self.place = {"mobile": "", "register": "", "correspondent": ""}
        self.net = ""
        self.totals = dict.fromkeys(CONNECTIONS.values(), 0)
        self.bins: dict[str, dict[int, int]] = {c: {} for c in CONNECTIONS.values()}
        self.retransmitted = dict.fromkeys(CONNECTIONS.values(), 0)
        self.resets: set[str] = set()
        self.now = 0.0
        self.first_packet: float | None = None
        self._offsets: dict[str, int] = {}
        self._captures: dict[str, tuple[Capture, dict[int, str]]] = {}
        self._highest: dict[tuple[str, int, int], int] = {}
        self._arrows: dict[tuple[Any, ...], Arrow] = {}
        self._lost: tuple[float, str] | None = None

    # ---- reading ----

    def poll(self) -> None:
        # A move must be known before its packets are judged, so whatever is known
        # of links is read after the packets.
        packets = [p for time, data, names in self._packets("packets")
                   if (p := decode_packet(time, data, names))]
        for step in self._lines("steps.jsonl"):
            self._on_step(step)
        self._snapshot("register")
        self._snapshot("correspondent")
        for time, data, names in self._packets("links"):
            for event in decode_links(time, data, names):
                self._on_link(event)
        for packet in packets:
            self._on_packet(packet)
        for host in ("mobile", "register", "correspondent"):
            for event in self._lines(f"{host}.jsonl"):
                self._on_event(host, event)

    def _lines(self, name: str) -> list[Any]:
        new, self._offsets[name] = lines(self.out / name, self._offsets.get(name, 0))
        return new

    def _snapshot(self, host: str) -> None:
        """What a host knew before it was watched."""
        path = self.out / f"{host}.json"
        if self.place[host] or not path.exists():
            return
        try:
            entries = json.loads(path.read_text())
        except ValueError:      # it is being written
            return
        for entry in entries:
            if entry["permanent"] == PERMANENT:
                self.place[host] = entry["care_of"]

    def _packets(self, name: str) -> Iterator[tuple[float, bytes, dict[int, str]]]:
        if name not in self._captures:
            try:
                text = (self.out / f"{name}-interfaces.json").read_text()
                names = {i["ifindex"]: i["ifname"] for i in json.loads(text)}
            except (OSError, ValueError):
                return
            self._captures[name] = Capture(self.out / f"{name}.pcap"), names
        capture, names = self._captures[name]
        for time, data in capture.read():
            yield time, data, names

    # ---- understanding ----

    def _on_step(self, step: dict[str, Any]) -> None:
        self.steps.append(step)
        if step["step"] == "place":
            self.net = step["net"]
            self.place["mobile"] = step["care_of"]

    def _on_link(self, event: LinkEvent) -> None:
        if event.interface == self.net and not event.up and not self._lost:
            self._lost = event.time, self.place["mobile"]
            self.place["mobile"] = ""
        elif event.address and event.interface in NETWORKS and self._lost:
            lost, old = self._lost
            self.moves.append(Move(len(self.moves) + 1, event.interface, self.net,
                                   old, event.address, lost, event.time))
            self.net = event.interface
            self.place["mobile"] = event.address
            self._lost = None

    def _move_at(self, time: float) -> Move | None:
        """The move that was last begun; the newest is nearly always it."""
        for move in reversed(self.moves):
            if time >= move.lost:
                return move
        return None

    def _on_packet(self, packet: Packet) -> None:
        if self.first_packet is None:
            self.first_packet = packet.time
        self.now = max(self.now, packet.time)
        if packet.kind == "tcp":
            self._on_segment(packet)
        elif packet.kind == "arp":
            self._on_arp(packet)
        else:
            self._on_message(packet)

    def _on_segment(self, packet: Packet) -> None:
        down = packet.src == CORRESPONDENT
        connection = CONNECTIONS.get(packet.sport if down else packet.dport)
        if not connection or not (packet.payload or packet.reset):
            return
        mobile = packet.dst if down else packet.src
        move = self._move_at(packet.time)
        if packet.interface == "correspondent":
            if packet.payload and down and move and not packet.out and mobile == move.old:
                move.stray += 1
            return
        # Each packet once, where the router has it from or for the mobile host,
        # and only on the path of the moment.
        if packet.interface not in NETWORKS or packet.out != down:
            return
        if mobile != (move.care_of if move else self._first_place()):
            return
        ends = ("correspondent", "mobile") if down else ("mobile", "correspondent")
        if packet.reset:
            self.resets.add(connection)
        if packet.reset and move:
            move.arrows.append(Arrow(packet.time, "reset", *ends, packet.time,
                                     f"{connection} reset"))
        if not packet.payload:
            return
        self._count(connection, packet)
        if move and connection not in move.first:
            move.first[connection] = packet.time
            move.arrows.append(Arrow(packet.time, connection, *ends, packet.time,
                                     f"{connection} {packet.payload} B"))

    def _first_place(self) -> str:
        return self.moves[0].old if self.moves else self.place["mobile"]

    def _count(self, connection: str, packet: Packet) -> None:
        """New bytes only: what is sent again is not throughput."""
        flow = connection, packet.sport, packet.dport
        end = packet.seq + packet.payload
        before = self._highest.get(flow, packet.seq)
        new = (end - before) & 0xFFFFFFFF
        if new >= 1 << 31:      # all of it was sent before
            new = 0
        self.retransmitted[connection] += min(packet.payload, max(0, packet.payload - new))
        if new:
            self._highest[flow] = end & 0xFFFFFFFF
        self.totals[connection] += new
        if self.first_packet is not None:
            index = int((packet.time - self.first_packet) / BIN)
            self.bins[connection][index] = self.bins[connection].get(index, 0) + new

    @staticmethod
    def _host(addr: str) -> str:
        return {CORRESPONDENT: "correspondent", REGISTER: "register"}.get(addr, "mobile")

    def _on_arp(self, packet: Packet) -> None:
        move = self._move_at(packet.time)
        if not move or packet.interface != move.net or move.over:
            return
        if move.care_of not in (packet.src, packet.dst):
            return
        src, dst = ("router", "mobile") if packet.out else ("mobile", "router")
        move.arrows.append(Arrow(packet.time, "arp", src, dst, packet.time,
                                 f"ARP {packet.status}"))

    def _on_message(self, packet: Packet) -> None:
        move = self._move_at(packet.time)
        if not move:
            return
        if packet.out:
            arrow = self._arrows.pop(packet.key, None)
            if arrow:
                arrow.arrived = packet.time
            if packet.status == "ok" and packet.care_of == move.care_of:
                if packet.kind == "confirm":
                    move.confirmed = move.confirmed or packet.time
                elif packet.kind == "ack":
                    move.registered = move.registered or packet.time
            return
        label = packet.kind
        if packet.kind in ("ack", "answer", "confirm"):
            label += f" {packet.status}"
        arrow = Arrow(packet.time, "message", self._host(packet.src),
                      self._host(packet.dst), None, label)
        self._arrows[packet.key] = arrow
        move.arrows.append(arrow)

    def _on_event(self, host: str, event: dict[str, Any]) -> None:
        """What `roam monitor` says. It stamps the time when it prints."""
        care_of = event.get("care_of")
        if event.get("permanent") != PERMANENT or not care_of:
            return
        what = event["object"], event["event"]
        time = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
        move = next((m for m in reversed(self.moves) if m.care_of == care_of), None)
        if host == "register" and what[0] == "hlr":
            self.place["register"] = care_of
            if move:
                move.notes.append((time, "register", "event: moved"))
        elif host == "correspondent" and what in (("mangle", "new"), ("mangle", "moved")):
            self.place["correspondent"] = care_of
            if move:
                move.notes.append((time, "correspondent", "event: mapping moved"))

    # ---- asking ----

    def step(self, name: str) -> dict[str, Any] | None:
        """The last step of that name."""
        return next((s for s in reversed(self.steps) if s["step"] == name), None)

    def results(self) -> list[dict[str, Any]]:
        return [s for s in self.steps if s["step"] == "result"]

    def rate(self, connection: str, seconds: float, end: float | None = None) -> float:
        """Bytes per second over the last seconds."""
        if self.first_packet is None:
            return 0.0
        last = int(((end or self.now) - self.first_packet) / BIN)
        count = max(1, int(seconds / BIN))
        return sum(self.bins[connection].get(last - i, 0) for i in range(count)) \
            / (count * BIN)
