# SPDX-License-Identifier: GPL-2.0-or-later
#
# Beside a firewall of the host that drops what is forwarded, as ufw and docker leave it behind.

load lib/common

# What the firewall is before the stack is, the audit takes for the host's own.
firewall() {
	"$@"
	audit snapshot ../audit.before
}

# FORWARD drops, as `ufw enable` leaves it.
ufw() {
	iptables-nft -P FORWARD DROP
	iptables-nft -A FORWARD -m conntrack --ctstate INVALID -j DROP
}

docker() {
	iptables-nft -P FORWARD DROP
	iptables-nft -N DOCKER-USER
	iptables-nft -A FORWARD -j DOCKER-USER
}

web() {
	stack_one <<-'END'
		command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]
		ports: ["8080:80"]
	END
}

# In both directions: out by masquerade, in by a published port.
gets_through() {
	[[ $(inside a timeout 20 busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]] &&
		[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
}

rules_in() { iptables-nft -S "$1" 2>/dev/null | grep -c "mstack:${2:-t}"; }
has_rules() { [[ $(rules_in "$@") -eq 2 ]]; }
no_rules() { [[ $(rules_in "$@") -eq 0 ]]; }

@test "firewall: FORWARD that drops: accepted in FORWARD, gone after down, the rest as it was" {
	local before
	firewall ufw
	internet_httpd
	before=$(iptables-nft -S 2>/dev/null)
	web
	mstack up -d
	wait_until gets_through
	iptables-nft -S FORWARD 2>/dev/null | sed -n 2p | grep -- '-m comment --comment "mstack:t" -j ACCEPT'
	# In front of all others, and only where packets are dropped.
	has_rules FORWARD
	mstack down
	[[ $(iptables-nft -S 2>/dev/null) == "$before" ]]
	kill "$HTTPD"
}

@test "firewall: where docker is, DOCKER-USER is the place for it; two stacks, each with its own rules" {
	firewall docker
	internet_httpd
	web
	mstack up -d
	wait_until gets_through
	has_rules DOCKER-USER
	no_rules FORWARD
	stack two <<<'services: {b: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	has_rules DOCKER-USER two
	mstack down
	no_rules DOCKER-USER two
	has_rules DOCKER-USER
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
	mstack down -p t
	no_rules DOCKER-USER
	kill "$HTTPD"
}

@test "firewall: a firewall that does not drop is left alone" {
	firewall iptables-nft -A FORWARD -i eth7 -j DROP
	web
	mstack up -d
	no_rules FORWARD
	mstack down
}

@test "firewall: a flush costs nothing" {
	firewall docker
	internet_httpd
	web
	mstack up -d
	wait_until gets_through
	iptables-nft -F
	# The way to DOCKER-USER is gone as well.
	wait_until has_rules FORWARD
	gets_through
	# Our own table stays: nobody but its owner can flush it.
	nft flush ruleset
	gets_through
	ufw
	wait_until has_rules FORWARD
	gets_through
	mstack down
	no_rules FORWARD
	nft flush ruleset
	kill "$HTTPD"
	wait_until gone "$HTTPD"
	# What removes layers in the background has done so.
	wait_until not pgrep mstack
	audit snapshot ../audit.before
}

@test "firewall: one that comes later is noticed" {
	internet_httpd
	web
	mstack up -d
	wait_until gets_through
	docker
	wait_until has_rules DOCKER-USER
	gets_through
	mstack down
	no_rules DOCKER-USER
	nft flush ruleset
	kill "$HTTPD"
}

@test "firewall: who takes out a rule by hand is obeyed" {
	local bridge
	firewall ufw
	web
	up_foreground
	wait_until has_rules FORWARD
	bridge=$(iptables-nft -S FORWARD 2>/dev/null | sed -n 's/.* -o \(mstk[^ ]*\) .*/\1/p')
	iptables-nft -D FORWARD -o "$bridge" -m comment --comment mstack:t -j ACCEPT
	wait_until grep -q 'taken out of the firewall; it is not put back' up.err
	sleep 0.5
	[[ $(rules_in FORWARD) -eq 1 ]]
	mstack down
	no_rules FORWARD
}

@test "firewall: supervisor killed" {
	firewall ufw
	web
	mstack up -d
	has_rules FORWARD
	kill -9 "$(supervisor)"
	wait_until no_rules FORWARD
	audit check ../audit.before
}

@test "firewall: ledger, supervisor and guard lost, then down" {
	firewall docker
	web
	mstack up -d
	has_rules DOCKER-USER
	rm /run/mstack/t/ledger
	kill_mstack
	has_rules DOCKER-USER
	mstack down -p t
	no_rules DOCKER-USER
}

@test "firewall: a chain of another firewall that drops is named" {
	firewall nft 'table inet site { chain through { type filter hook forward priority 5; policy drop; }; }'
	web
	mstack up -d 2>said
	grep -q "drops what is forwarded by chain 'inet site through'" said
	mstack down
}
