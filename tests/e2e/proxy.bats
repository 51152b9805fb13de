# SPDX-License-Identifier: GPL-2.0-or-later
#
# Published ports by [::1], where the kernel lets nothing through: mstack-net hands them on.

load lib/common

setup_file() {
	command -v python3 >/dev/null || export SKIP_ALL='python3 is not installed'
}

# In the container, on IPv4 and IPv6. 7: echo, 8: says how much it got before its end, 9: sends and sends, 10: resets; UDP 7: echo.
server() {
	cat >server.py <<-'END'
		import socket, struct, threading

		def echo(c):
		    while (data := c.recv(65536)):
		        c.sendall(data)
		    c.close()

		def count(c):
		    n = 0
		    while (data := c.recv(65536)):
		        n += len(data)
		    c.sendall(b"%d" % n)
		    c.close()

		def flood(c):
		    block = bytes(65536)
		    try:
		        while True:
		            c.sendall(block)
		    except OSError:
		        print("flood over", flush=True)

		def reset(c):
		    c.recv(1)
		    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    c.close()

		def server(port):
		    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=2000)

		def listen(s, what):
		    while True:
		        threading.Thread(target=what, args=(s.accept()[0],), daemon=True).start()

		def datagrams(s):
		    while True:
		        data, who = s.recvfrom(65536)
		        s.sendto(data, who)

		threading.stack_size(65536)
		for port, what in (7, echo), (8, count), (9, flood), (10, reset):
		    threading.Thread(target=listen, args=(server(port), what), daemon=True).start()
		udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		udp.bind(("::", 7))
		threading.Thread(target=datagrams, args=(udp,), daemon=True).start()
		print("ready", flush=True)
		threading.Event().wait()
	END
}

# The host's python in an image that users may have too: not all of the host's root.
python='image: busybox, command: [python3, /server.py], volumes: ["./server.py:/server.py:ro", "/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro"]'

says_ready() { mstack logs --no-log-prefix a 2>/dev/null | grep -c ready; }

# up_server PORTS [MORE]: and waits until it listens, which the one before it may have said already.
up_server() {
	local before
	before=$(says_ready) || :
	server
	stack <<-END
		services:
		  a: {$python, ports: [$1], ulimits: {nofile: 20000}}
		networks: {default: {enable_ipv6: ${2:-true}}}
	END
	mstack up -d
	wait_until log_count a ready $((before + 1))
}

# client <<END: python with a socket `connect(port)` to [::1].
client() {
	{
		cat <<-'END'
			import socket, time
			def connect(port):
			    s = socket.create_connection(("::1", port), timeout=30)
			    return s
			def all_of(s):
			    data = []
			    while (more := s.recv(65536)):
			        data.append(more)
			    return b"".join(data)
		END
		cat
	} | timeout 60 python3 -
}

echoes() {
	client <<-END
		s = connect($1)
		s.sendall(b"hello")
		assert s.recv(10) == b"hello"
	END
}

@test "proxy: a port without an address, one of [::1], and one to a container without IPv6" {
	up_server '"1107:7", "[::1]:1117:7"'
	echoes 1107
	echoes 1117
	[[ $(mstack port a 7 | LC_ALL=C sort | xargs) == '0.0.0.0:1107 [::1]:1117 [::]:1107' ]]
	# By no other address.
	not internet curl -s -m 1 'telnet://[2001:db8:64::2]:1117'
	not curl -s -m 1 telnet://127.0.0.1:1117
	mstack down
	not echoes 1107
	up_server '"[::1]:1107:7"' false
	echoes 1107
	mstack down
	not echoes 1107
}

@test "proxy: an isolated stack, and 'run' with its ports" {
	server
	stack <<-END
		services:
		  a: {$python, ports: ["[::1]:1107:7"]}
	END
	mstack up -d --isolated
	wait_until log_has a ready
	echoes 1107
	mstack down
	mstack run -T --service-ports a >out 2>&1 &
	wait_until grep -q ready out
	echoes 1107
	kill $!
	wait $! || :
	mstack down
}

@test "proxy: an end that is closed for sending, a reset, and megabytes both ways, unchanged" {
	up_server '"1107:7", "1108:8", "1110:10"'
	client <<-'END'
		import hashlib, os, threading
		s = connect(1108)
		s.sendall(bytes(3000000))
		s.shutdown(socket.SHUT_WR)
		assert all_of(s) == b"3000000"

		s = connect(1110)
		s.sendall(b"x")
		try:
		    assert s.recv(1) is None
		except ConnectionResetError:
		    pass

		s = connect(1107)
		sent = os.urandom(20000000)
		def send():
		    s.sendall(sent)
		    s.shutdown(socket.SHUT_WR)
		t = threading.Thread(target=send)
		t.start()
		got = all_of(s)
		t.join()
		assert hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()
	END
	# Nobody listens in the container: told as a reset.
	mstack down
	up_server '"1107:70"'
	client <<-'END'
		try:
		    assert connect(1107).recv(1) is None
		except ConnectionResetError:
		    pass
	END
	mstack down
}

@test "proxy: who does not read holds up nobody, and his going is noticed" {
	up_server '"1107:7", "1109:9"'
	client <<-'END'
		slow = [connect(1109) for _ in range(20)]
		time.sleep(0.2)
		for _ in range(50):
		    s = connect(1107)
		    s.sendall(b"quick")
		    assert s.recv(10) == b"quick"
		    s.close()
	END
	all_over() { [[ $(mstack logs --no-log-prefix a | grep -c 'flood over') == 20 ]]; }
	wait_until all_over
	mstack exec -T a python3 -c 'import socket; print(socket.gethostbyname("a"))'
	mstack down
}

@test "proxy: more connections than are handed on at a time wait for their turn" {
	ulimit -n 20000
	up_server '"1107:7"'
	client <<-'END'
		import select
		all = [connect(1107) for _ in range(1100)]
		def select_all(of):
		    p = select.poll()
		    by = {s.fileno(): s for s in of}
		    for s in of:
		        p.register(s, select.POLLIN)
		    got = {}
		    end = time.monotonic() + 30
		    while len(got) < 1024 and time.monotonic() < end:
		        for fd, _ in p.poll(1000):
		            got[fd] = by[fd]
		            p.unregister(fd)
		    return list(got.values())
		for s in all:
		    s.sendall(b"x")
		first = select_all(all)
		assert len(first) == 1024, len(first)
		rest = [s for s in all if s not in first]
		time.sleep(0.3)
		p = select.poll()
		for s in rest:
		    p.register(s, select.POLLIN)
		assert not p.poll(0)
		for s in first:
		    s.close()
		for s in rest:
		    assert s.recv(1) == b"x"
	END
	mstack down
}

@test "proxy: datagrams go to and fro, to each sender his own" {
	up_server '"[::1]:1107:7/udp", "1108:7/udp"'
	client <<-'END'
		for port in 1107, 1108:
		    both = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
		    for i, s in enumerate(both):
		        s.settimeout(30)
		        s.connect(("::1", port))
		        s.send(b"%d" % i)
		    for i, s in enumerate(both):
		        assert s.recv(100) == b"%d" % i
		    both[0].send(bytes(60000))
		    assert len(both[0].recv(65536)) == 60000
		    both[1].send(b"")
		    assert both[1].recv(100) == b""
		many = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(400)]
		for s in many:
		    s.settimeout(30)
		    s.connect(("::1", 1107))
		    s.send(b"one")
		    assert s.recv(100) == b"one"
		many[0].send(b"again")
		assert many[0].recv(100) == b"again"
	END
	mstack down
}

@test "proxy: a mstack-net that died is started again and goes on" {
	up_server '"[::1]:1107:7", "[::1]:1107:7/udp"'
	echoes 1107
	kill -9 "$(pgrep -x mstack-net)"
	wait_until echoes 1107
	mstack down
}
