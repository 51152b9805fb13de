/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command: the commands, as a table, with what help says of each. Their options are tables too (optiontables.c). A command that is
 * known to the contract but not done yet has a row as well.
 */
#include "cli/command.h"
#include "cli/optiontables.h"

/* clang-format off */
#define NOT_YET(name, summary) { name, summary, "", 0, 0, cli_no_options, NULL, NULL }

const struct cli_command cli_commands[] = {
	{ "up", "start the stack and show its logs until it is stopped", "[FILE] [SERVICE...]", 256, COMMAND_ROOT | COMMAND_ADOPTS, cli_up_options,
	  "Ctrl-C stops the services in reverse order of dependency and removes everything but volumes and logs; a\n"
	  "second one kills them at once. With -d the stack goes on in the background: see 'ps', 'logs' and 'down';\n"
	  "when that start fails, all of it is taken down again, what had started well included.\n"
	  "With SERVICEs only they are started, with what they depend on. A stack that runs already is changed to what\n"
	  "the file says, and only what differs is touched: see 'plan'. Then Ctrl-C ends this command, not the stack;\n"
	  "it ends by itself when the services have all ended.\n"
	  "On SIGHUP the supervisor reads the file again and changes the stack so; a file that is wrong changes nothing.\n"
	  "On SIGUSR2 the supervisor goes on as the mstack that is installed now, and containers notice nothing.\n"
	  "\n"
	  "  mstack up                        the stack of this folder\n"
	  "  mstack up -d shop.yaml           in the background\n"
	  "  mstack up --wait --wait-timeout 30 && run-the-tests; mstack down\n",
	  cli_up },
	{ "plan", "say what 'up' would do, and why", "[FILE] [SERVICE...]", 256, 0, cli_plan_options,
	  "Compares what runs with what the file says, key by key. What differs is changed in one of three ways: 'live', while\n"
	  "it runs (limits, ports, restart, health checks, labels, impairments); 'restart', the process in the container that\n"
	  "is there (command, environment); or 'recreate', a new container (image, mounts, networks, and all other keys).\n"
	  "What has not changed is not touched. Nothing is done, and the images have to be here.\n"
	  "Of a stack that is down it tells root what 'up' would refuse before it starts anything: ports, folders, addresses.\n"
	  "\n"
	  "  mstack plan\n"
	  "  mstack plan --exit-code || mstack up -d      only if there is something to do\n",
	  cli_plan },
	{ "down", "stop the stack and remove every trace of it but its data", "[FILE]", 0, COMMAND_ACTS | COMMAND_ROOT | COMMAND_ADOPTS, cli_down_options,
	  "Works without the stack file (-p NAME), without a running supervisor, and twice. Volumes and logs stay;\n"
	  "-v removes the volumes.\n",
	  cli_down },
	{ "ps", "list the services of the stack", "[FILE] [SERVICE...]", 256, 0, cli_ps_options,
	  "A template of --format has the keys of the JSON objects: {{.Name}}, {{json .Publishers}}, {{upper .State}};\n"
	  "with 'table' before it there are heads, and \\t stands between columns.\n"
	  "\n"
	  "  mstack ps --format 'table {{.Service}}\\t{{.State}}\\t{{.IP}}'\n"
	  "  mstack ps -a --format '{{.Name}} {{.ExitCode}}'\n",
	  cli_ps },
	{ "logs", "show what the services wrote", "[FILE] [SERVICE...]", 256, 0, cli_logs_options,
	  "Reads the files itself, so it also works when the stack is down. On a terminal, control characters in\n"
	  "the lines are made visible and only colours pass; into a file or a pipe every byte goes as it is.\n",
	  cli_logs },
	{ "events", "show what happens to the stack", "[FILE] [SERVICE...]", 256, 0, cli_events_options,
	  "From now on, until it is interrupted, whether the stack is up, goes down or comes up again. All changes of\n"
	  "services are kept for a while, also when the stack is down; numbers are never given twice. Who was away goes\n"
	  "on with --after. Actions are those of docker (create start die stop kill oom pause unpause destroy restart,\n"
	  "health_status: healthy) and starting, waiting, not_started, start_failed; up, down and lost of the stack.\n"
	  "\n"
	  "  mstack events --filter event=die --filter event=oom --filter service=web\n"
	  "  mstack events --json --since 1h --until 0s     what there was in the last hour\n"
	  "  mstack events --json --after 4711              and on\n",
	  cli_events },
	{ "why", "tell why services are as they are", "[FILE] [SERVICE...]", 256, 0, cli_why_options,
	  "How each of them is now, what it waits for, and its last changes with their causes: exit codes, signals and who\n"
	  "sent them, health checks, memory, dependencies, commands and who gave them. Also when the stack is down.\n"
	  "\n"
	  "  mstack why web\n"
	  "  mstack why -n all --format json\n",
	  cli_why },
	{ "exec", "run a command in a running service", "[FILE] SERVICE|--all CMD...", 4096, COMMAND_OWN_WORDS | COMMAND_ACTS,
	  cli_exec_options,
	  "As the service's user, with its environment, rights and limits, in its control group; what stands behind\n"
	  "SERVICE belongs to the command. The exit code is the command's; 126 it cannot be executed, 127 it was not\n"
	  "found, 128+N it was ended by signal N. Signals sent to mstack are passed on.\n"
	  "With --all each line of output begins with the container's name, nothing is read from standard input, and the\n"
	  "exit code is 0 when all commands had that, else that of the first one, in the order of names, that had not.\n"
	  "\n"
	  "  mstack exec web sh                          a shell\n"
	  "  mstack exec -T db pg_dump shop >shop.sql    out of the container\n"
	  "  mstack exec -u root web apk add strace      as somebody else\n"
	  "  mstack exec --all ip -br address            everywhere\n"
	  "  mstack exec --service r1 --service r2 vtysh -c 'show ip ospf neighbor'\n",
	  cli_exec },
	{ "attach", "connect to the input and output of a running service", "[FILE] SERVICE", 1, COMMAND_ACTS, cli_attach_options,
	  "To what it writes from now on, until it ends; with 'tty: true' and 'stdin_open: true' in the stack file it is at\n"
	  "its terminal, with 'stdin_open: true' alone at its standard input. The exit code is the service's. The log\n"
	  "goes on beside it: see 'logs'. Several may be attached at the same time.\n",
	  cli_attach },
	{ "cp", "copy files from and to a service", "[FILE] SERVICE:PATH TARGET|- | SOURCE|- SERVICE:PATH", 3,
	  COMMAND_NO_FILE | COMMAND_ACTS, cli_cp_options,
	  "A file becomes TARGET, or goes into it when it is a folder. A folder goes into TARGET; when that is not there, or\n"
	  "the source ends with /., what is in it does. Paths of a service begin at its root, and no link leads out of that.\n"
	  "- is a tar, on standard output or input. Into a service of several containers it goes to all of them.\n"
	  "\n"
	  "What is copied belongs to root at the other end; with -a it keeps owners (by number, as the container counts them),\n"
	  "attributes, and into a service what makes programs run as others; on the host that is always left out. Devices and\n"
	  "sockets are not copied. A file that is there is replaced as a whole. When mstack is killed, or the disk is full, what\n"
	  "was copied so far stays; killed, also the beginning of a file as .mstack-copy-NUMBER.\n"
	  "\n"
	  "  mstack cp web:/etc/nginx ./nginx            out of the container\n"
	  "  mstack cp -a ./site/. web:/srv/www          its content, with owners\n"
	  "  mstack cp web:/var/log - | tar tv           as a tar\n",
	  cli_cp },
	{ "run", "run a one-off container", "[FILE] SERVICE [CMD...] | --image IMAGE CMD... | --rootfs DIR CMD...", 4096,
	  COMMAND_OWN_WORDS | COMMAND_ACTS | COMMAND_ROOT | COMMAND_ADOPTS, cli_run_options,
	  "Of a service, with what it depends on, which stays up; or of an image alone, in a network of its own that leads\n"
	  "outside through the host. It is isolated as a service is, and gone after its end, with what it wrote outside of\n"
	  "volumes (which is in memory, 1 GiB at most). It ends with mstack, unless -d, or ctrl-p ctrl-q on a terminal. The exit code is\n"
	  "the command's; 125 it could not be made, 126 it cannot be executed, 127 it was not found, 128+N it was ended by\n"
	  "signal N, 1 a post_start of the service failed, which stops it. Signals sent to mstack are passed on. What stands\n"
	  "behind SERVICE, or behind --, belongs to the command.\n"
	  "\n"
	  "  mstack run --rootfs ./alpine -- /bin/sh        a shell in a folder\n"
	  "  mstack run --memory 128m --pids 64 --cpus 0.5 --image alpine -- sh\n"
	  "  mstack run stack.yaml web sh                   as a service of the stack\n"
	  "  mstack run db pg_dump shop >shop.sql           out of the container\n",
	  cli_run },
	{ "top", "show the processes of the services", "[FILE] [SERVICE...]", 256, 0, cli_top_options,
	  "PID and PPID are those of the host; UID is looked up in the container's own /etc/passwd. Control characters in\n"
	  "what a process calls itself are made visible.\n",
	  cli_top },
	{ "stats", "show what the services use", "[FILE] [SERVICE...]", 256, 0, cli_stats_options,
	  "Once a second, until it is interrupted or the stack is down. CPU is the share of one processor; memory without what\n"
	  "the kernel would give back at once. -- is what is not counted here: a controller of cgroup v2 is missing, or the\n"
	  "service does not run. In JSON raw numbers stand beside the words.\n"
	  "\n"
	  "  mstack stats --no-stream --format '{{.Name}} {{.CPUPerc}}'\n"
	  "  mstack stats --format 'table {{.Name}}\\t{{.MemUsage}}'\n",
	  cli_stats },
	{ "port", "show where a port of a service is published", "[FILE] SERVICE PORT[/PROTOCOL]", 2, 0, cli_port_options, NULL,
	  cli_port },
	{ "link", "list the links of services; cut and mend them", "[FILE] | up|down [FILE] SERVICE:INTERFACE...", 257,
	  COMMAND_VERB, cli_link_options,
	  "Lab links ('x-links') and attachments to networks. 'down' takes the carrier away at both ends, as if the cable\n"
	  "were pulled; addresses and routes inside stay as they are, and 'up' gives it back. A link is called by either\n"
	  "of its ends, as in the stack file. States: up; down; no-carrier: an end was taken down from within; absent:\n"
	  "its services have not been started.\n",
	  cli_link },
	{ "start", "start services that were stopped", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_start_options,
	  "With what they depend on, in order; delays and counters of restarts begin anew. A service that has ended well by\n"
	  "itself has done its work, and is run again only when it is named. For a stack that is not up: 'up'.\n",
	  cli_start },
	{ "stop", "stop services; their addresses, links and files stay", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_stop_options,
	  "Those that depend on others of them first. A stopped service is not restarted, whatever its policy, until 'start';\n"
	  "the stack stays up, also in the foreground, where it ends when all services have ended by themselves.\n",
	  cli_stop },
	{ "restart", "stop services and start them again", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_restart_options,
	  "All are down before the first is up again; address, links, files and log stay. With them those that run and depend\n"
	  "on them by 'restart: true'. A dependency that is stopped, or has failed, stays so: they do without it.\n"
	  "Changes of the stack file are not read.\n",
	  cli_restart },
	{ "kill", "end services at once, or send them a signal", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_kill_options,
	  "After SIGKILL, and the signal that stops a service, it is not restarted. Of others it does what it likes;\n"
	  "a first process without a handler for one does not get it, as the kernel has it, and that is said.\n"
	  "\n"
	  "  mstack kill -s HUP web\n",
	  cli_kill },
	{ "rm", "remove stopped services, and what they wrote", "[FILE] [SERVICE...]", 256, COMMAND_ACTS | COMMAND_ROOT | COMMAND_ADOPTS, cli_rm_options,
	  "What they wrote outside of volumes is gone; logs stay, and so do addresses and links until the stack is down. 'create'\n"
	  "makes them anew. Asks first, unless -f is given.\n",
	  cli_rm },
	{ "create", "make everything without starting it", "[FILE] [SERVICE...]", 256, COMMAND_ACTS | COMMAND_ROOT | COMMAND_ADOPTS, cli_create_options,
	  "As 'up --no-start': networks, volumes and images are there, and 'start' starts the services. When the stack is up: what\n"
	  "'rm' removed.\n",
	  cli_create },
	{ "scale", "have so many containers of services", "[FILE] SERVICE=NUMBER...", 256, COMMAND_ACTS | COMMAND_ROOT | COMMAND_ADOPTS, cli_scale_options,
	  "As 'up -d --scale' for these services: what is too much goes, the highest numbers first, and what is missing comes.\n"
	  "\n"
	  "  mstack scale web=3 worker=0\n",
	  cli_scale },
	{ "wait", "wait until services end", "[FILE] SERVICE...", 256, COMMAND_ACTS, cli_wait_options,
	  "Each end is a line; the exit code is that of the last one. Who does not run has ended already.\n", cli_wait },
	{ "pause", "let the processes of services stand still", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_no_options,
	  "They keep memory, files and connections, and hear no signal until 'unpause', 'stop' or 'down'. Health checks\n"
	  "wait as well.\n",
	  cli_pause },
	{ "unpause", "let paused services go on", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, cli_no_options, NULL,
	  cli_unpause },
	{ "impair", "make a link slow or lossy, while it carries traffic",
	  "[FILE] [SERVICE:INTERFACE [egress|ingress] KEY=VALUE...|clear]", 64, COMMAND_ACTS, cli_impair_options,
	  "What is not named keeps its value; clear takes all away. Both ways are meant, unless egress (what the service\n"
	  "sends) or ingress (what comes to it) stands in front. INTERFACE is its name in the service, or that of the\n"
	  "network. It stays over restarts of the service. Without values: what is set. Keys and units are those of tc:\n"
	  "\n"
	  "  delay=20ms jitter=5ms          with distribution=normal, otherwise uniform\n"
	  "  loss=1% corrupt=0.1% duplicate=0.1% reorder=1%\n"
	  "  'loss=1% 25%'                  a correlation, also of the others and of jitter\n"
	  "  rate=10mbit limit=1000         packets that wait at most; without it as many as delay and rate need\n"
	  "  seed=42                        the same losses again\n"
	  "\n"
	  "  mstack impair web:eth0 delay=40ms loss=1%        40 ms each way: a ping takes 80 ms longer\n"
	  "  mstack impair web:eth0 egress rate=1mbit ingress rate=16mbit\n"
	  "  mstack impair web:eth0 clear\n",
	  cli_impair },
	{ "capture", "record the packets of services", "[FILE] [SERVICE[:IFACE]...]", 256, COMMAND_ACTS, cli_capture_options,
	  "On all interfaces of the services but lo, or on those that are named, into one pcapng for Wireshark, tshark and\n"
	  "tcpdump, until it is interrupted. Interfaces are called SERVICE-N:IFACE in it, the services' addresses have their\n"
	  "names, each packet has its direction, and the end says how many were lost. It goes on when a service is\n"
	  "restarted, with interfaces that come later too. Nothing is needed in the image. --filter needs libpcap.\n"
	  "\n"
	  "  mstack capture web -w web.pcapng\n"
	  "  mstack capture web db:eth1 -w - | wireshark -k -i -      live\n"
	  "  mstack capture -s 128 --duration 60 -w all.pcapng        the head of all packets of the stack, for a minute\n"
	  "  ssh host mstack capture -p shop web -w - | tshark -r -   from somewhere else\n",
	  cli_capture },
	{ "graph", "draw the topology", "[FILE] [SERVICE...]", 256, 0, cli_graph_options,
	  "Services, networks and wires, as the file has them; when the stack runs, with states, addresses, cut links and what\n"
	  "goes over each at the moment. With SERVICEs only they, and what they depend on. dot is for graphviz, mermaid for\n"
	  "GitHub and other wikis; SVG and HTML need nothing else.\n"
	  "\n"
	  "  mstack graph                             as text\n"
	  "  mstack graph -o shop.svg                 as a picture\n"
	  "  mstack graph --format dot | dot -Tpdf -o shop.pdf\n",
	  cli_graph },
	{ "config", "check the stack file and print it in its full form", "[FILE] [SERVICE...]", 256, 0, cli_config_options,
	  "The output is a stack file again, with nothing left to look up. With SERVICEs it has only them, and what\n"
	  "they depend on. Problems go to standard error with file, line and column; exit code 3 when there is an error.\n"
	  "\n"
	  "  mstack config -q && echo fine           check\n"
	  "  mstack config -q --format json          for editors: only the problems, one JSON object per line\n"
	  "  mstack config --explain                 where does this value come from?\n"
	  "  mstack config --hash web,db             has one of them changed?\n",
	  cli_config },
	{ "init", "write a small stack file to begin with", "[FILE]", 0, COMMAND_ACTS, cli_init_options,
	  "The file is stack.yaml, unless another one is named; - writes it to standard output. It explains itself and\n"
	  "runs as it is: mstack init && mstack up\n",
	  cli_init },
	{ "pull", "fetch the images of the stack from their registries", "[FILE] [SERVICE...]", 256, COMMAND_ACTS | COMMAND_ROOT, cli_pull_options,
	  "Newer ones too, where the pull_policy is not 'missing' or 'never'; with SERVICEs only theirs. Layers that are\n"
	  "here are not fetched again, and what was cut off goes on where it ended. 'up' pulls what is absent by itself.\n"
	  "Passwords are those of 'docker login' (~/.docker/config.json, or the folder DOCKER_CONFIG). Registries speak\n"
	  "https, on this machine also plain http. For an image without a stack: 'image pull'.\n"
	  "\n"
	  "  mstack pull && mstack down && mstack up -d     the stack with the newest images\n"
	  "  mstack pull --check || echo 'time to pull'     0 all up to date, 10 something is newer or not here\n",
	  cli_pull },
	{ "image", "list, pull, import and remove images", "ls|pull|import|rm|prune|inspect [ARGUMENTS]", 64,
	  COMMAND_NO_FILE | COMMAND_ACTS | COMMAND_ROOT, cli_image_options,
	  "image ls                       all images, their sizes, and whether a running stack uses them\n"
	  "image pull NAME...             from a registry: alpine:3.19, example.com/team/app, app@sha256:...\n"
	  "image import PLACE [NAME]      from oci:DIR[:REF], oci-archive:TAR[:REF], docker-archive:TAR[:REF] (by 'docker\n"
	  "                               save' or 'podman save'), or a root file system in a tar; without NAME under the\n"
	  "                               names that it brings\n"
	  "image rm NAME|ID...            takes a name away, and with the last one the image\n"
	  "image prune                    removes images without a name; with -a all that no running stack uses\n"
	  "image inspect NAME|ID...       everything about it, as JSON\n"
	  "\n"
	  "  docker save web:1 -o web.tar && mstack image import docker-archive:web.tar\n"
	  "  skopeo copy docker://alpine:3.19 oci:alpine:3.19 && mstack image import oci:alpine:3.19\n",
	  cli_image },
	{ "images", "list the images of the containers", "[FILE] [SERVICE...]", 256, COMMAND_ROOT, cli_images_options,
	  "What the containers of the stack, also those that have ended, were made of: the image that their name meant\n"
	  "when they were made, whatever it means now. Folders have neither id nor size. For all images: 'image ls'.\n",
	  cli_images },
	{ "volumes", "list the volumes of the stack", "[FILE] [SERVICE...]", 256, COMMAND_ROOT, cli_volumes_options,
	  "Those that it made, named and anonymous, and those of others (external) that its file names.\n",
	  cli_volumes },
	{ "volume", "list, make and remove volumes", "ls|create|rm|prune|inspect [NAME...]", 256,
	  COMMAND_NO_FILE | COMMAND_ACTS | COMMAND_ROOT, cli_volume_options,
	  "volume ls                      all volumes, whose they are, and whether a running stack uses them\n"
	  "volume create [NAME]           for stack files that call it external\n"
	  "volume rm NAME...              removes it with its data; not while a running stack uses it\n"
	  "volume prune                   removes anonymous ones that no running stack uses; with -a named ones too\n"
	  "volume inspect NAME...         everything about it, as JSON\n",
	  cli_volume },
	{ "ls", "list the stacks of this host", "", 0, COMMAND_NO_FILE, cli_ls_options, NULL, cli_ls },
	{ "doctor", "say whether this host can run stacks and what they left behind, and what to do about it", "", 0, COMMAND_NO_FILE, cli_doctor_options,
	  "Compares what is there with what the stacks have written down: names all that a stack has left which nobody\n"
	  "runs any more, and what somebody else has removed from one that runs. Only what is ours is touched by --fix.\n"
	  "Exit code 6 when kernel and ledgers do not say the same, 1 when something is missing that every stack needs.\n",
	  cli_doctor },
	{ "version", "print the version", "", 0, COMMAND_NO_FILE, cli_version_options, NULL, cli_version },
	{ "help", "explain mstack, one command, or the keys of a stack file", "[COMMAND|keys]", 1, COMMAND_NO_FILE, cli_no_options, NULL,
	  cli_help },

	NOT_YET("analyze", "where the time of the last 'up' went"),
	NOT_YET("ui", "terminal dashboard"),
	{ NULL, NULL, NULL, 0, 0, NULL, NULL, NULL },
};

/* clang-format on */

const struct cli_command *cli_command_find(const char *name, struct err *err)
{
	const char *names[ARRAY_LEN(cli_commands)], *nearest;
	size_t n = 0;

	for (const struct cli_command *c = cli_commands; c->name; c++) {
		if (!strcmp(c->name, name))
			return c;
		names[n++] = c->name;
	}
	nearest = nearest_name(name, names, n);
	if (nearest)
		err_kind(err, ERR_USAGE, "unknown command '%s': did you mean '%s'?", name, nearest);
	else
		err_kind(err, ERR_USAGE, "unknown command '%s' (see 'mstack help')", name);
	return NULL;
}
