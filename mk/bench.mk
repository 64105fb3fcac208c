# SPDX-License-Identifier: GPL-2.0-or-later
#
#   make bench-register   the register beside Redis and osmo-hlr, in build/bench
#   make bench-registrations  roam-agentd beside Kamailio under SIPp, processor time for each; NODES=10000
#   make bench-sessions   memory, look-ups and restart of many sessions, and how long one takes to
#                         be set up; SESSIONS=100000, NAIS=20000, RTT=20, COUNT=50
#   make bench-sip        gaps of media at moves, and many calls that are told; RTTS="0 20 100",
#                         MOVES=50, CALLS=1000 (see selftests/bench/sip)
#   make bench-tunnel     tunnels beside the kernel's, part of make bench
#   make bench-moves      how long connections stand still in a move; MOVES=1000,
#                         CONNECTIONS=32, AWAY=30 (ms) and CASES="key register bytes
#                         throughput" (see selftests/bench/moves)
#
#   make bench-standby    gaps when a router fails, beside keepalived; RUNS=100, CASES="cut-10 ..."
#                         (see selftests/bench/standby)
#   make bench-mmp        packets and changes on a node of a domain, beside /32 routes; CASES="down.roam.1 ..."
#                         (see selftests/bench/mmp)
#   make bench-handoffs   what handoffs lose, beside Mobile IPv4 and WireGuard; HANDOFFS=2000
#                         (see selftests/bench/handoffs)
#
#   make bench-group      a new standby router and a fifth member of a group take the whole table
#                         under changes, what a change costs in datagrams, and conntrackd with as
#                         many connections; ENTRIES=500000 CHANGES=5000
#   make soak-standby     takeovers without a failure on a busy machine, beside keepalived; MINUTES=60
#   make soak-sip         a call and a thousand moves (MOVES=1000); fails if it is lost
#   make soak-group       fifty schedules by chance of crashes and partitions of four agents;
#                         FIRST=1 SCHEDULES=50
#
# Helpers of make bench, built before the guest starts: a compiler would take
# minutes where each instruction is counted.

BENCH := build/bench
BENCH_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -O2 -g -Iuserspace/lib \
	-Ikernel/include/uapi
BENCH_HELPERS := $(BENCH)/load-roam $(BENCH)/load-bpf $(BENCH)/send \
	$(BENCH)/rewrite.bpf.o $(BENCH)/load-tunnel

.PHONY: bench-helpers bench-tunnel bench-register bench-moves bench-sip bench-mmp \
	bench-handoffs bench-standby bench-registrations bench-sessions bench-group soak-group \
	soak-sip soak-standby

bench: bench-helpers
bench-helpers: $(BENCH_HELPERS)

$(BENCH)/load-roam: selftests/bench/load-roam.c selftests/bench/load.h \
		build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter-out %.h,$^) -lmnl

$(BENCH)/load-tunnel: selftests/bench/load-tunnel.c selftests/bench/load.h \
		build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter-out %.h,$^) -lmnl

bench: bench-tunnel
bench-tunnel: all $(BENCH)/load-tunnel
	@scripts/build-modules 6.12 >/dev/null
	@selftests/vm/run --kernel 6.12 --name bench-tunnel --icount --timeout 3600 -- \
		selftests/bench/tunnel $(CASES)
	@cp build/vm/6.12/bench-tunnel/results.json $(BENCH)/tunnel.json
	@cp build/vm/6.12/bench-tunnel/table.txt $(BENCH)/tunnel.txt

$(BENCH)/load-bpf: selftests/bench/load-bpf.c selftests/bench/load.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -lbpf

$(BENCH)/send: selftests/bench/send.c selftests/bench/load.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

bench-mmp: userspace $(BENCH)/load-mmp
	@scripts/build-modules 6.12 >/dev/null
	@selftests/vm/run --kernel 6.12 --name bench-mmp --icount --timeout 3000 -- \
		selftests/bench/mmp $(CASES)
	@cp build/vm/6.12/bench-mmp/mmp.tsv $(BENCH)/

$(BENCH)/load-mmp: selftests/bench/load-mmp.c selftests/bench/load.h \
		build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter-out %.h,$^) -lmnl

bench-handoffs: userspace
	@scripts/build-modules fast >/dev/null
	@selftests/vm/run --kernel fast --name bench-handoffs --timeout 3600 -- \
		env HANDOFFS='$(HANDOFFS)' selftests/bench/handoffs
	@selftests/vm/run --kernel fast --name bench-handoffs-peers --timeout 3600 -- \
		selftests/bench/handoffs-peers

# No guest: what is measured is a server on a machine, with its disk.
bench-register: userspace $(BENCH)/register-load $(BENCH)/register-osmo
	@scripts/install-deps bench
	@selftests/bench/register/run

bench-registrations: userspace
	@selftests/bench/registrations/run

$(BENCH)/sessions-table: selftests/bench/sessions/table.c build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -D_GNU_SOURCE -o $@ $^ -lnettle

bench-sessions: userspace $(BENCH)/sessions-table
	@selftests/bench/sessions/run
	@scripts/build-modules fast >/dev/null
	@selftests/vm/run --kernel fast --name bench-sessions --timeout 600 -- \
		env RTT='$(or $(RTT),20)' COUNT='$(or $(COUNT),50)' selftests/bench/sessions/setup

$(BENCH)/register-load: selftests/bench/register/load.c build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $^ -lnettle

bench-group: $(BENCH)/group $(BENCH)/flows
	@selftests/bench/members $< $(or $(ENTRIES),500000) $(or $(CHANGES),5000)
	@selftests/bench/conntrackd $(BENCH)/flows $(or $(ENTRIES),500000)

$(BENCH)/flows: selftests/bench/flows.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -lnetfilter_conntrack

$(BENCH)/group: selftests/bench/group.c build/userspace/libroam.a
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -D_GNU_SOURCE -Iuserspace -o $@ $^ $(U_LIBS) -luv -lnettle -lconfuse -ljansson

soak-group: userspace
	@scripts/build-modules fast >/dev/null
	@selftests/vm/run --kernel fast --name soak-group --timeout 7200 -- \
		selftests/functional/schedules.sh $(or $(FIRST),1) $(or $(SCHEDULES),50)

$(BENCH)/register-osmo: selftests/bench/register/osmo.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $<

bench-moves: all $(BENCH)/moves
	@scripts/build-modules 6.12 >/dev/null
	@selftests/vm/run --kernel 6.12 --name bench-moves --icount --timeout 5400 -- \
		env MOVES='$(MOVES)' CONNECTIONS='$(CONNECTIONS)' AWAY='$(AWAY)' \
		CASES='$(CASES)' selftests/bench/moves
	@cp build/vm/6.12/bench-moves/moves.json build/vm/6.12/bench-moves/moves.txt $(BENCH)/

$(BENCH)/moves: selftests/bench/moves.c selftests/bench/load.h
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $< -lmnl

# The second path is where Debian keeps <asm/types.h>.
$(BENCH)/rewrite.bpf.o: selftests/bench/rewrite.bpf.c
	@mkdir -p $(@D)
	clang -target bpf -O2 -g -Wall -Wextra -Werror \
		-I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<

# In a guest, as netem is part of it; ROAM_NATIVE=yes selftests/bench/sip needs none.
bench-sip: userspace
	@scripts/build-modules fast >/dev/null
	@selftests/vm/run --kernel fast --name bench-sip --timeout 3600 -- \
		env RTTS="$(RTTS)" MOVES="$(MOVES)" CALLS="$(CALLS)" selftests/bench/sip

# Moves of one call, in a guest with the module; none may lose it.
soak-sip: userspace
	@scripts/build-modules fast >/dev/null
	@selftests/vm/run --kernel fast --name soak-sip --timeout 3600 -- \
		env SIP_MOVES=$(or $(MOVES),1000) TEST=many_moves selftests/functional/sip-faults.sh

bench-standby: userspace
	@selftests/bench/standby

soak-standby: userspace
	@MINUTES='$(or $(MINUTES),60)' CASES='$(or $(CASES),busy keepalived-busy)' selftests/bench/standby
