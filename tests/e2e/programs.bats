# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real programs as their users run them: images of Debian's packages, ordinary compose files, nothing opened for them. What
# works under Docker's defaults and fails here is a mistake of the filter, the capabilities, the mounts or the ids.
# Takes long, so tools/check begins with it.

# Images of 100 MB are unpacked anew for each test.
# shellcheck disable=SC2034 # for lib/common
BATS_TEST_TIMEOUT=240
load lib/common
PATIENCE=60

# Outside of any sandbox, because the packages come from the mirror. Once: they stay in build/, which git ignores.
setup_file() {
	local log=$BATS_FILE_TMPDIR/log
	((EUID == 0)) || return 0
	export DEBIAN=${DEBIAN:-$E2E/../../build/debian}
	debianimages "$DEBIAN" >"$log" 2>&1 || SKIP_ALL="no images of Debian's packages: $(tail -n 1 "$log")"
	export SKIP_ALL
}

# What $DEBIAN stands for in a stack file.
debian() {
	sed "s,DEBIAN,oci:$(realpath "$DEBIAN")/images," | stack
	expect_exit 0 mstack up -d
}

# in_service SERVICE COMMAND...: without a terminal, as a script would.
in_service() { timeout 60 mstack exec -T "$@" </dev/null; }

@test "programs: nginx changes its user, logs to standard output, reloads on a signal" {
	mkdir html
	echo 'served by nginx' >html/index.html
	debian <<-'END'
		services:
		  web:
		    image: DEBIAN:nginx
		    ports: ["8080:80"]
		    volumes: ["./html:/var/www/html:ro"]
		  client: {image: busybox, command: [sleep, "1000"]}
	END
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == 'served by nginx' ]]
	[[ $(in_service client wget -q -O - http://web/) == 'served by nginx' ]]
	wait_until log_has web 'GET / HTTP'
	# The master is root, its workers are not.
	# shellcheck disable=SC2016
	worker() { in_service web sh -c 'for p in /proc/[0-9]*; do echo "${p#/proc/} $(stat -c %U $p) $(tr "\0" " " <$p/cmdline)"; done' | grep "www-data nginx: worker"; }
	worker
	in_service web grep -q 'nginx: master' /proc/1/cmdline
	local before
	before=$(worker)
	in_service web sh -c 'echo "server { listen 81; return 200 again; }" >/etc/nginx/conf.d/more.conf; nginx -t && kill -HUP 1'
	wait_until in_service client wget -q -O - http://web:81/
	old_worker() { worker | grep -qxF "$before"; }
	wait_until not old_worker
	mstack down
}

@test "programs: redis as its own user, over the network, and again after a restart" {
	debian <<-'END'
		services:
		  db:
		    image: DEBIAN:redis
		    user: redis
		    command: [redis-server, --bind, "0.0.0.0 ::", --protected-mode, "no", --appendonly, "yes"]
		    volumes: ["db:/var/lib/redis"]
		    healthcheck: {test: redis-cli ping | grep PONG, interval: 300ms, retries: 50}
		  client:
		    image: DEBIAN:redis
		    user: redis
		    command: [sleep, "1000"]
		    depends_on: {db: {condition: service_healthy}}
		volumes: {db: {}}
	END
	ask() { in_service client redis-cli -h db "$@"; }
	[[ $(ask set greeting hello) == OK ]]
	[[ $(in_service db stat -c %U /proc/1) == redis ]]
	# Another process writes the file.
	[[ $(ask bgsave) == 'Background saving started' ]]
	saved() { ask info persistence | grep rdb_last_bgsave_status:ok && ask info persistence | grep rdb_bgsave_in_progress:0; }
	wait_until saved
	[[ $(ask eval 'return redis.call("get", "greeting") .. "!"' 0) == 'hello!' ]]
	mstack down
	expect_exit 0 mstack up -d
	[[ $(ask get greeting) == hello ]]
	mstack down -v
}

@test "programs: postgres makes its cluster, answers over the network, and keeps it" {
	cat >entry.sh <<-'END'
		#!/bin/sh -e
		if [ "$(id -u)" = 0 ]; then
			mkdir -p "$PGDATA" /run/postgresql
			chown postgres: "$PGDATA" /run/postgresql
			chmod 700 "$PGDATA"
			exec setpriv --reuid postgres --regid postgres --init-groups "$0"
		fi
		if [ ! -e "$PGDATA/PG_VERSION" ]; then
			initdb --username shop --pwfile /run/secrets/password --auth-host scram-sha-256
			echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
		fi
		exec postgres -c listen_addresses='*'
	END
	chmod +x entry.sh
	echo 'much secret' >password
	debian <<-'END'
		services:
		  db:
		    image: DEBIAN:postgres
		    entrypoint: [/entry.sh]
		    volumes: ["db:/var/lib/postgresql/data", "./entry.sh:/entry.sh:ro"]
		    secrets: [{source: password, uid: "101", gid: "101", mode: 0400}]
		    shm_size: 128m
		    healthcheck: {test: "pg_isready -U shop -d postgres", interval: 500ms, retries: 100}
		  client:
		    image: DEBIAN:postgres
		    user: postgres
		    environment: {PGHOST: db, PGUSER: shop, PGPASSWORD: much secret, PGDATABASE: postgres}
		    command: [sleep, "1000"]
		    depends_on: {db: {condition: service_healthy}}
		volumes: {db: {}}
		secrets: {password: {file: ./password}}
	END
	query() { in_service client psql -Atc "$1"; }
	query 'create table goods (id serial primary key, name text); create index on goods (name)'
	query "insert into goods (name) select 'thing ' || n from generate_series(1, 20000) n"
	# Several processes that share memory in /dev/shm.
	query 'set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
		set min_parallel_table_scan_size = 0; explain analyze select count(*) from goods' | grep 'Workers Launched: [12]'
	[[ $(query 'show dynamic_shared_memory_type') == posix && $(in_service db stat -c %U /proc/1) == postgres ]]
	not in_service client env PGPASSWORD=wrong psql -c 'select 1'
	# SIGINT of the image is the fast way, with a client connected.
	mstack exec -T client psql -c 'select pg_sleep(1000)' 2>err &
	asleep() { [[ $(query "select count(*) from pg_stat_activity where query like 'select pg_sleep%'") == 1 ]]; }
	wait_until asleep
	mstack down
	wait $! || :
	mstack logs --no-log-prefix db | grep -A 20 'received fast shutdown request' | grep 'database system is shut down'
	expect_exit 0 mstack up -d
	[[ $(query 'select count(*) from goods') == 20000 ]]
	log_has db 'database system was shut down at'
	mstack down -v
}

@test "programs: python with subprocesses, shared memory, semaphores, threads and sockets" {
	cat >check.py <<-'END'
		import asyncio, ctypes, mmap, multiprocessing as mp, multiprocessing.shared_memory as shm, os, pathlib, pty, resource
		import select, signal, socket, sqlite3, subprocess, sys, tempfile, threading, time

		def square(n):
		    return n * n

		def main():
		    assert subprocess.run(["sh", "-c", "cat; exit 3"], input=b"x", capture_output=True).returncode == 3
		    for method in "fork", "spawn", "forkserver":
		        context = mp.get_context(method)
		        with context.Pool(2) as pool:
		            assert pool.map(square, range(10)) == [n * n for n in range(10)]
		        queue, lock = context.Queue(), context.Semaphore(1)
		        with lock:
		            queue.put(method)
		        assert queue.get() == method
		    block = shm.SharedMemory(create=True, size=1 << 20)
		    assert os.path.exists("/dev/shm/" + block.name)
		    block.close(), block.unlink()
		    done = []
		    threads = [threading.Thread(target=done.append, args=(n,)) for n in range(50)]
		    [t.start() for t in threads], [t.join() for t in threads]
		    assert len(done) == 50
		    assert asyncio.run(asyncio.wait_for(asyncio.sleep(0.01, "ok"), 5)) == "ok"
		    a, b = socket.socketpair()
		    with tempfile.TemporaryFile() as f:
		        socket.send_fds(a, [b"x"], [f.fileno()])
		        assert socket.recv_fds(b, 1, 1)[1]
		    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
		        with socket.create_server((address, 0), family=family) as server:
		            socket.create_connection(server.getsockname()[:2]).close()
		    master, slave = pty.openpty()
		    assert os.ttyname(slave).startswith("/dev/pts/")
		    signal.setitimer(signal.ITIMER_REAL, 0.01)
		    assert signal.sigwait([signal.SIGALRM]) == signal.SIGALRM
		    os.memfd_create("x"), os.pidfd_open(os.getpid()), select.epoll(), os.eventfd(0)
		    with sqlite3.connect("/tmp/x.db") as base:
		        base.execute("pragma journal_mode=wal"), base.execute("create table t (x)")
		    assert len(os.sched_getaffinity(0)) >= 1 and os.getrandom(8) and os.times()
		    os.nice(1), resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024))
		    os.mkfifo("/tmp/fifo"), os.link("/tmp/fifo", "/tmp/fifo2"), os.setxattr("/tmp/x.db", "user.a", b"1")
		    ctypes.CDLL(None).puts(b"all done")

		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
		if __name__ == "__main__":
		    main()
	END
	mkdir www
	echo 'served by python' >www/page
	debian <<-'END'
		services:
		  web: {image: DEBIAN:python, command: [python, -m, http.server, "80"], working_dir: /www, volumes: ["./www:/www:ro"]}
		  root: {image: DEBIAN:python, command: [python, /check.py], volumes: ["./check.py:/check.py:ro"]}
		  user: {image: DEBIAN:python, command: [python, /check.py], volumes: ["./check.py:/check.py:ro"], user: nobody}
		  client: {image: DEBIAN:python, command: [sleep, "1000"]}
	END
	wait_until in_service client python -c 'import urllib.request; assert urllib.request.urlopen("http://web/page").read() == b"served by python\n"'
	wait_until state_is root exited
	wait_until state_is user exited
	log_has root 'all done'
	log_has user 'all done'
	mstack down -t 1
}

@test "programs: node with an HTTP server, workers and children" {
	cat >server.js <<-'END'
		const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
		if (!isMainThread) {
			Atomics.add(new Int32Array(workerData), 0, 21);
			parentPort.postMessage("added");
		} else {
			const sum = new SharedArrayBuffer(4);
			const one = () => new Promise((done, failed) => new Worker(__filename, { workerData: sum }).on("exit", done).on("error", failed));
			const fs = require("fs"), os = require("os"), child = require("child_process");
			require("http").createServer(async (request, answer) => {
				await Promise.all([one(), one()]);
				const said = child.execFileSync("echo", ["child"]).toString().trim();
				fs.writeFileSync("/tmp/file", "x");
				fs.watch("/tmp").close();
				const hash = await new Promise((done) => require("crypto").scrypt("a", "b", 8, (e, key) => done(key.length)));
				answer.end(`sum ${new Int32Array(sum)[0]} ${said} ${hash} ${os.cpus().length > 0}`);
			}).listen(80);
			process.on("SIGTERM", () => { console.log("bye"); process.exit(0); });
		}
	END
	debian <<-'END'
		services:
		  web:
		    image: DEBIAN:node
		    command: [node, /server.js]
		    user: nobody
		    volumes: ["./server.js:/server.js:ro"]
		  client: {image: busybox, command: [sleep, "1000"]}
	END
	wait_until in_service client wget -q -O - http://web/
	[[ $(in_service client wget -q -O - http://web/) =~ ^sum\ [0-9]+\ child\ 8\ true$ ]]
	mstack down
	log_has web bye
}

# shellcheck disable=SC2016
# The capability is what PAM logins need where there is no user namespace.
@test "programs: sshd logs a user of another service in, with a terminal" {
	cat >entry.sh <<-'END'
		#!/bin/sh -e
		ssh-keygen -A
		mkdir -p /run/sshd
		exec /usr/sbin/sshd -D -e
	END
	chmod +x entry.sh
	mkdir keys
	debian <<-'END'
		services:
		  server: &server
		    image: DEBIAN:sshd
		    command: [/entry.sh]
		    cap_add: [AUDIT_WRITE]
		    volumes: ["./entry.sh:/entry.sh:ro", "./keys:/home/alice/.ssh:ro"]
		  host: {<<: *server, userns_mode: host}
		  client:
		    image: DEBIAN:sshd
		    command: [sleep, "1000"]
		    volumes: ["./keys:/root/.ssh"]
	END
	in_service client sh -ec 'cd; ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519; cp .ssh/id_ed25519.pub .ssh/authorized_keys'
	local host
	ssh_to() { in_service client ssh -o StrictHostKeyChecking=accept-new -o ConnectTimeout=10 "$@"; }
	for host in server host; do
		wait_until ssh_to "alice@$host" true
		[[ $(ssh_to "alice@$host" 'id -un; id -G; hostname; echo $HOME; exit 3') == $'alice\n1000\n'*$'\n/home/alice' ]]
		ssh_to -tt "alice@$host" 'tty; stty size; exit 5' >out || [[ $? == 5 ]]
		grep '^/dev/pts/[0-9]' out
		# Its own subsystem, and a port that is forwarded.
		in_service client sh -c "echo text >/tmp/sent && echo 'put /tmp/sent sent' | sftp -b - alice@$host"
		[[ $(ssh_to "alice@$host" cat sent) == text ]]
		# Its end is asked for: a signal that this ssh gets just before it waits for packets does not wake it.
		in_service client sh -c "ssh -f -N -M -S way -L 2222:localhost:22 alice@$host && ssh-keyscan -p 2222 localhost | grep ssh-ed25519 && ssh -S way -O exit alice@$host"
	done
	mstack down -t 2
}

@test "programs: apt-get fetches and installs a package, whose scripts make a user" {
	internet busybox httpd -f -p 203.0.113.10:80 -h "$DEBIAN/repository" 3>&- &
	local server=$!
	wait_until internet busybox nc -w 1 203.0.113.10 80 </dev/null
	debian <<-'END'
		services:
		  a: {image: DEBIAN:base, command: [sleep, "1000"], environment: {DEBIAN_FRONTEND: noninteractive}}
	END
	in_service a sh -ec 'rm -f /etc/apt/sources.list.d/*; echo "deb [trusted=yes] http://203.0.113.10/ ./" >/etc/apt/sources.list'
	in_service a apt-get update
	in_service a apt-get install -y --no-install-recommends redis-server
	[[ $(in_service a stat -c '%U:%G %a' /var/lib/redis /etc/redis/redis.conf) == $'redis:redis 750\nredis:redis 640' ]]
	in_service a sh -c 'dpkg -l redis-server | grep ^ii && dpkg --audit'
	in_service a sh -ec 'cd /tmp; apt-get download redis-tools; apt-get purge -y redis-server; dpkg -i redis-tools*.deb; dpkg --verify redis-tools'
	kill "$server"
	mstack down -t 1
}

# shellcheck disable=SC2016
@test "programs: su, useradd, tar, ping and their like" {
	debian <<-'END'
		services:
		  a: {image: DEBIAN:base, command: [sleep, "1000"]}
	END
	in_service a bash -exc '
		useradd --create-home --groups users --uid 1234 bob
		echo bob:word | chpasswd
		test "$(su bob -c "id -un; id -Gn; pwd" | xargs)" = "bob bob users /"
		test "$(su - bob -c pwd)" = /home/bob
		su bob -c "ping -c 1 -w 5 127.0.0.1; ping -c 1 -w 5 a; ! kill -0 1"
		groupadd crew; usermod -aG crew bob; id bob | grep crew; passwd -S bob
		mkdir /t; touch /t/a; chown 5:6 /t/a; chmod 6755 /t/a; mknod /t/fifo p; ln /t/a /t/b; setpriv --clear-groups --reuid 7 true
		tar -C /t -cf /t.tar . --xattrs; mkdir /u; tar -C /u -xpf /t.tar --same-owner
		test "$(stat -c "%u:%g %a %h" /u/a)" = "5:6 6755 2"
		chroot / /bin/true; nice -n 5 true; ! nice -n -5 true 2>/dev/null || :
		script -qc "test -t 0" /dev/null; flock /t/a true; hostname; df / >/dev/null; userdel -r bob; test ! -e /home/bob'
	# As another user from the start.
	in_service -u www-data a sh -ec 'ping -c 1 -w 5 127.0.0.1; cd /tmp; touch mine; ! chown root mine; ! su root -c true' 2>/dev/null
	mstack down -t 1
}
