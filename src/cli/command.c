/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command: the commands and their options, as tables. Parsing and help are driven by them; a new option is a new row
 * and a field in struct cli_options. What is known to the contract but not done yet has a row too, so that a script is told
 * the truth instead of being misunderstood.
 */
#include "cli/command.h"

/* clang-format off */
#define AT(field) offsetof(struct cli_options, field)
#define FLAG(name, letter, field, help) { name, letter, OPTION_FLAG, AT(field), NULL, help, NULL }
#define VALUE(name, letter, kind, field, arg, help) { name, letter, OPTION_##kind, AT(field), arg, help, NULL }
#define LATER(name, letter) { name, letter, OPTION_LATER, 0, NULL, NULL, NULL }
#define END { NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL }

const struct cli_option cli_global_options[] = {
	VALUE("file", 'f', LIST, files, "FILE", "the stack file; - is standard input; several are merged in their order"),
	{ "project-name", 'p', OPTION_TEXT, AT(project), "NAME", "name of the project", "PROJECT_NAME" },
	VALUE("project-directory", 0, TEXT, project_dir, "DIR", "what relative paths are relative to"),
	VALUE("env-file", 0, LIST, env_files, "FILE", "variables for the stack file (else .env); of several the last wins"),
	VALUE("profile", 0, LIST, profiles, "NAME", "services of this profile too; * is all"),
	{ "ansi", 0, OPTION_CHOICE, AT(ansi), "auto|always|never", "colours", "ANSI" },
	{ "progress", 0, OPTION_CHOICE, AT(progress), "auto|tty|plain|json|quiet", "how progress is told", "PROGRESS" },
	FLAG("dry-run", 0, dry_run, "say what would be done, and do nothing"),
	FLAG("help", 'h', help, "this text; behind a command, its own"),
	FLAG("version", 'V', version, "the version"),
	END,
};

/* ---- options of commands --------------------------------------------------------------------- */

static const struct cli_option no_options[] = { END };

static const struct cli_option up_options[] = {
	FLAG("detach", 'd', detach, "return when everything is started"),
	FLAG("wait", 0, wait, "return when everything is running or healthy (implies -d)"),
	VALUE("wait-timeout", 0, SECONDS, wait_timeout_s, "SECONDS", "give --wait up after so long; the stack goes on"),
	FLAG("abort-on-container-exit", 0, abort_on_exit, "stop all when one service ends"),
	FLAG("abort-on-container-failure", 0, abort_on_failure, "stop all when one service fails"),
	VALUE("exit-code-from", 0, TEXT, exit_code_from, "SERVICE", "exit as it does (implies --abort-on-container-exit)"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	VALUE("attach", 0, LIST, attach, "SERVICE", "show the log of this one, and of others only if they are named too"),
	VALUE("no-attach", 0, LIST, no_attach, "SERVICE", "do not show the log of this one"),
	FLAG("timestamps", 0, timestamps, "show when each line was written"),
	FLAG("no-color", 0, no_color, "prefixes without colour"),
	FLAG("no-log-prefix", 0, no_prefix, "lines without the service's name"),
	VALUE("pull", 0, CHOICE, pull, "always|missing|never|policy", "when images are pulled, instead of the file's pull_policy"),
	FLAG("quiet-pull", 0, quiet_pull, "do not tell how pulling goes on"),
	FLAG("remove-orphans", 0, remove_orphans, "remove containers of services that are not in the file any more"),
	FLAG("force-recreate", 0, force_recreate, "make containers anew that have not changed"),
	FLAG("no-recreate", 0, no_recreate, "leave containers that are there as they are"),
	FLAG("always-recreate-deps", 0, recreate_deps, "make those anew, too, that the named services depend on"),
	FLAG("isolated", 0, isolated, "networks in a network namespace of their own; of the host one link"),
	FLAG("renew-anon-volumes", 'V', renew_volumes, "anonymous volumes begin empty, what they held is lost"),
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "so many containers of it, instead of the file's"),
	FLAG("no-deps", 0, no_deps, "without what the services depend on"),
	FLAG("no-start", 0, no_start, "make everything and start nothing: see 'start'"),
	LATER("attach-dependencies", 0), LATER("build", 0), LATER("no-build", 0),
	LATER("watch", 'w'), LATER("yes", 'y'), LATER("menu", 0),
	END,
};

static const struct cli_option plan_options[] = {
	FLAG("exit-code", 0, exit_code, "10 when something would be done"),
	VALUE("format", 0, CHOICE, format, "text|json", "json: one object per line, containers first, then what differs of them"),
	FLAG("remove-orphans", 0, remove_orphans, "as of 'up'"),
	FLAG("force-recreate", 0, force_recreate, "as of 'up'"),
	FLAG("no-recreate", 0, no_recreate, "as of 'up'"),
	FLAG("always-recreate-deps", 0, recreate_deps, "as of 'up'"),
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "as of 'up'"),
	END,
};

static const struct cli_option down_options[] = {
	FLAG("volumes", 'v', volumes, "remove the volumes and the data in them too"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted; everything of the project is removed anyway"),
	LATER("rmi", 0),
	END,
};

static const struct cli_option ps_options[] = {
	FLAG("all", 'a', all, "services that have ended too"),
	FLAG("quiet", 'q', quiet, "ids only"),
	FLAG("services", 0, services, "names of services only"),
	VALUE("status", 0, LIST, status, "STATE", "only those in it: created, running, paused, restarting, exited or dead"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	FLAG("no-trunc", 0, no_trunc, "accepted; nothing is cut off anyway"),
	LATER("filter", 0), LATER("orphans", 0),
	END,
};

static const struct cli_option ls_options[] = {
	FLAG("all", 'a', all, "accepted; all stacks are listed anyway"),
	FLAG("quiet", 'q', quiet, "names only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	LATER("filter", 0),
	END,
};

static const struct cli_option logs_options[] = {
	FLAG("follow", 'f', follow, "go on with what comes, until the stack is down"),
	VALUE("tail", 'n', TEXT, tail, "N", "only the last N lines of each service, or all"),
	FLAG("timestamps", 't', timestamps, "show when each line was written"),
	VALUE("since", 0, TEXT, since, "TIME", "not before: 2026-01-31T10:00:00Z, seconds since 1970, or 10m (ago)"),
	VALUE("until", 0, TEXT, until, "TIME", "not after"),
	FLAG("no-color", 0, no_color, "prefixes without colour"),
	FLAG("no-log-prefix", 0, no_prefix, "lines without the service's name"),
	VALUE("index", 0, TEXT, index, "N", "only container number N of the services"),
	FLAG("json", 0, json, "one object per line: time, service, slot, stream, text"),
	VALUE("grep", 0, TEXT, grep, "RE", "only lines that match, as 'grep -E' does; -n counts these"),
	END,
};

static const struct cli_option events_options[] = {
	FLAG("json", 0, json, "one object per line, with its number as 'seq'"),
	VALUE("since", 0, TEXT, since, "TIME", "what happened from then on: 2026-01-31T10:00:00Z, seconds since 1970, or 10m (ago)"),
	VALUE("until", 0, TEXT, until, "TIME", "not after; a time that is past ends it at once: 0s"),
	VALUE("after", 0, TEXT, after, "SEQ", "go on behind the event of this number"),
	LATER("filter", 0),
	END,
};

static const struct cli_option why_options[] = {
	VALUE("tail", 'n', TEXT, tail, "N", "the last N changes of each container, or all; 10"),
	VALUE("format", 0, CHOICE, format, "text|json", "json: one object per line, for each container"),
	END,
};

static const struct cli_option exec_options[] = {
	FLAG("no-tty", 'T', no_tty, "no terminal, though standard input and output are ones; for pipes and scripts"),
	VALUE("user", 'u', TEXT, user, "USER[:GROUP]", "a name of the container's /etc/passwd, or a number; else the service's"),
	VALUE("workdir", 'w', TEXT, workdir, "DIR", "the folder inside to begin in; else the service's"),
	VALUE("env", 'e', LIST, env, "NAME[=VALUE]", "set a variable, or hand on our own; others are the service's"),
	FLAG("detach", 'd', detach, "return at once; the command goes on without input and output"),
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first that runs"),
	FLAG("all", 0, all, "in all containers that run, at the same time; there is no SERVICE then, and no terminal"),
	VALUE("service", 0, LIST, only, "SERVICE", "as --all, in the containers of this service; may be repeated"),
	FLAG("privileged", 0, privileged, "with all capabilities and all system calls of the container's user namespace"),
	VALUE("detach-keys", 0, TEXT, detach_keys, "KEYS", "leave the command alone; ctrl-p,ctrl-q, \"\" is none"),
	FLAG("interactive", 'i', accepted, "accepted; standard input is handed on anyway"),
	FLAG("tty", 't', accepted, "accepted; there is a terminal whenever standard input and output are ones"),
	END,
};

static const struct cli_option attach_options[] = {
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	FLAG("no-stdin", 0, no_stdin, "only look: nothing is typed into it"),
	VALUE("detach-keys", 0, TEXT, detach_keys, "KEYS", "leave the service alone; ctrl-p,ctrl-q, \"\" is none"),
	FLAG("sig-proxy", 0, sig_proxy, "pass signals on to the service (the default); =false: they end mstack instead"),
	END,
};

static const struct cli_option cp_options[] = {
	FLAG("archive", 'a', archive, "keep owners and attributes"),
	FLAG("follow-link", 'L', follow_link, "copy what SOURCE points to when it is a link, not the link"),
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else out of the first, and into all"),
	FLAG("all", 0, all, "into containers of 'run' of the service, too"),
	END,
};

static const struct cli_option stats_options[] = {
	FLAG("all", 'a', all, "services that do not run too"),
	FLAG("no-stream", 0, no_stream, "once only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each container"),
	FLAG("no-trunc", 0, no_trunc, "accepted; nothing is cut off anyway"),
	END,
};

static const struct cli_option start_options[] = {
	FLAG("wait", 0, wait, "until they are healthy, too"),
	LATER("wait-timeout", 0),
	END,
};

static const struct cli_option stop_options[] = {
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period, instead of the file's; 0: kill at once"),
	END,
};

static const struct cli_option restart_options[] = {
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period, instead of the file's; 0: kill at once"),
	FLAG("no-deps", 0, no_deps, "without those that depend on them by 'restart: true'"),
	END,
};

static const struct cli_option kill_options[] = {
	VALUE("signal", 's', TEXT, signal, "SIGNAL", "by name or number, instead of SIGKILL"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted; what a stack does not know of does not run in it"),
	END,
};

static const struct cli_option rm_options[] = {
	FLAG("force", 'f', force, "do not ask"),
	FLAG("stop", 's', stop, "stop them first"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "with --stop: grace period, instead of the file's"),
	LATER("volumes", 'v'),
	END,
};

static const struct cli_option create_options[] = {
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "so many containers of it, instead of the file's"),
	VALUE("pull", 0, CHOICE, pull, "always|missing|never|policy", "when images are pulled, instead of the file's pull_policy"),
	FLAG("quiet-pull", 0, quiet_pull, "do not tell how pulling goes on"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted; a stack that ends leaves no orphans"),
	LATER("force-recreate", 0), LATER("no-recreate", 0), LATER("build", 0), LATER("no-build", 0), LATER("yes", 'y'),
	END,
};

static const struct cli_option scale_options[] = {
	FLAG("no-deps", 0, no_deps, "without what the services depend on"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	END,
};

static const struct cli_option wait_options[] = {
	FLAG("down-project", 0, down_project, "take the stack down when the first of them has ended"),
	END,
};

static const struct cli_option link_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each link"),
	END,
};

static const struct cli_option port_options[] = {
	VALUE("protocol", 0, CHOICE, protocol, "tcp|udp", "of the port; tcp"),
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	END,
};

static const struct cli_option impair_options[] = {
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	VALUE("format", 0, CHOICE, format, "table|json", "json: one object per line"),
	END,
};

static const struct cli_option run_options[] = {
	VALUE("image", 0, TEXT, image, "IMAGE", "without a stack file: the image, as under 'image:' there"),
	VALUE("rootfs", 0, TEXT, rootfs, "DIR", "without a stack file: the folder that is its root; it is not written to"),
	VALUE("name", 0, TEXT, name, "NAME", "of the container; without a stack file of its project too"),
	FLAG("detach", 'd', detach, "return when it runs; print its name; what it writes goes to its log"),
	FLAG("rm", 0, accepted, "accepted; the container is gone after its end anyway"),
	FLAG("no-tty", 'T', no_tty, "no terminal, though standard input and output are ones; for pipes and scripts"),
	FLAG("interactive", 'i', interactive, "standard input is handed on; that is so without it too, =false leaves it out"),
	FLAG("tty", 't', accepted, "accepted; there is a terminal whenever standard input and output are ones"),
	VALUE("env", 'e', LIST, env, "NAME[=VALUE]", "set a variable, or hand on our own"),
	VALUE("env-from-file", 0, LIST, env_from_file, "FILE", "variables from a file; -e comes before them"),
	VALUE("user", 'u', TEXT, user, "USER[:GROUP]", "a name of the container's /etc/passwd, or a number"),
	VALUE("workdir", 'w', TEXT, workdir, "DIR", "the folder inside to begin in"),
	VALUE("entrypoint", 0, TEXT, entrypoint, "WORDS", "in place of the image's; its command is left out then"),
	VALUE("volume", 'v', LIST, binds, "SOURCE:TARGET[:ro]", "a folder, file or volume in the container"),
	VALUE("tmpfs", 0, LIST, tmpfs, "TARGET", "a file system in memory"),
	VALUE("publish", 'p', LIST, publish, "[IP:]PORT:PORT", "reach a port of it through one of the host"),
	FLAG("service-ports", 'P', service_ports, "publish the ports of the service too; else its own container has them"),
	VALUE("network", 0, TEXT, network, "NAME", "be on this network; none, host and bridge as under 'network_mode:'"),
	VALUE("hostname", 0, TEXT, hostname, "NAME", "its host name"),
	VALUE("memory", 'm', TEXT, memory, "SIZE", "so much memory at most: 128m"),
	VALUE("cpus", 0, TEXT, cpus, "N", "so many processors at most: 0.5"),
	VALUE("pids", 0, TEXT, pids, "N", "so many processes at most"),
	VALUE("pids-limit", 0, TEXT, pids, "N", "the same"),
	VALUE("cap-add", 0, LIST, cap_add, "CAP", "give a capability"),
	VALUE("cap-drop", 0, LIST, cap_drop, "CAP", "take one away, or ALL"),
	VALUE("device", 0, LIST, devices, "PATH", "a device of the host"),
	FLAG("privileged", 0, privileged, "with all rights"),
	FLAG("read-only", 0, read_only, "its root cannot be written to"),
	FLAG("init", 0, init, "a small init is its first process"),
	VALUE("label", 'l', LIST, labels, "NAME=VALUE", "a label"),
	FLAG("no-deps", 0, no_deps, "do not start what the service depends on"),
	VALUE("pull", 0, TEXT, pull, "POLICY", "when the image is fetched, as under 'pull_policy:'"),
	FLAG("quiet", 'q', quiet, "do not tell progress"),
	FLAG("quiet-pull", 0, quiet_pull, "do not tell how images come"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted; a stack that ends leaves no orphans"),
	FLAG("use-aliases", 0, use_aliases, "others find it by the names of the service, too"),
	LATER("build", 0), LATER("quiet-build", 0),
	END,
};

static const struct cli_option top_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each process"),
	END,
};

static const struct cli_option capture_options[] = {
	VALUE("write", 'w', TEXT, write, "FILE|-", "where to: a pcapng file; - is standard output"),
	FLAG("force", 0, force, "overwrite FILE when it is there"),
	VALUE("count", 'c', TEXT, count, "N", "end after so many packets"),
	VALUE("duration", 0, SECONDS, duration_s, "SECONDS", "end after so long"),
	VALUE("filter", 0, TEXT, filter, "WORDS", "only these packets, as tcpdump is told: 'tcp port 80 and host web'"),
	VALUE("snapshot-length", 's', TEXT, snaplen, "BYTES", "so much of each packet; all"),
	VALUE("buffer-size", 'B', TEXT, buffer, "KIB", "memory for packets of an interface that wait to be written"),
	VALUE("index", 0, TEXT, index, "N", "which container of the services; else all"),
	END,
};

static const struct cli_option graph_options[] = {
	VALUE("format", 0, CHOICE, format, "text|dot|mermaid|svg|html", "the form of the output; else by the end of FILE, else text"),
	VALUE("output", 'o', TEXT, output, "FILE", "write there instead; never onto a stack file that is read"),
	END,
};

static const struct cli_option config_options[] = {
	FLAG("quiet", 'q', quiet, "check only; with --format json the problems go to standard output"),
	VALUE("format", 0, CHOICE, format, "yaml|json", "the form of the output; problems as JSON lines with json"),
	VALUE("output", 'o', TEXT, output, "FILE", "write there instead; never onto a stack file that is read"),
	FLAG("explain", 0, explain, "each value with the file, line and variables that it came from"),
	FLAG("security", 0, security, "what each service keeps of the default isolation, gives up, and weakens"),
	FLAG("no-interpolate", 0, no_interpolate, "merge only: variables and relative paths stay as written"),
	FLAG("services", 0, services, "names of the services"),
	FLAG("networks", 0, networks, "names of the networks"),
	FLAG("volumes", 0, volumes, "names of the volumes"),
	FLAG("images", 0, images, "images of the services"),
	FLAG("profiles", 0, list_profiles, "names of all profiles"),
	FLAG("variables", 0, variables, "the variables that the files ask for"),
	FLAG("environment", 0, environment, "what variables are looked up in, as NAME=VALUE"),
	VALUE("hash", 0, MAYBE, hash, "SERVICE,...|*", "a hash of each service, which changes when the service does"),
	LATER("no-normalize", 0), LATER("no-path-resolution", 0), LATER("no-consistency", 0),
	LATER("resolve-image-digests", 0), LATER("lock-image-digests", 0), LATER("no-env-resolution", 0), LATER("models", 0),
	END,
};

static const struct cli_option init_options[] = {
	FLAG("force", 0, force, "write over a file that is there"),
	END,
};

static const struct cli_option pull_options[] = {
	FLAG("check", 0, check, "only compare with the registries; exit code 10 when there is something to pull"),
	VALUE("policy", 0, CHOICE, policy, "missing|always", "missing: only what is not here; instead of the file's pull_policy"),
	FLAG("include-deps", 0, include_deps, "images of what the SERVICEs depend on, too"),
	FLAG("ignore-pull-failures", 0, ignore_failures, "what cannot be pulled is a warning"),
	FLAG("ignore-buildable", 0, ignore_buildable, "leave out images that can be built"),
	FLAG("quiet", 'q', quiet, "failures only; with --check the images that are to be pulled"),
	END,
};

static const struct cli_option image_options[] = {
	FLAG("quiet", 'q', quiet, "ids only; of pull names only; of rm and prune nothing"),
	FLAG("all", 'a', all, "prune: images with a name too"),
	FLAG("force", 'f', force, "rm: also what a running stack uses, and all names of an id; prune: do not ask"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "ls: json: one object per line"),
	FLAG("no-trunc", 0, no_trunc, "ls: whole ids and digests"),
	LATER("filter", 0), LATER("digests", 0),
	END,
};

static const struct cli_option images_options[] = {
	FLAG("quiet", 'q', quiet, "ids only, each once"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each container"),
	END,
};

static const struct cli_option volumes_options[] = {
	FLAG("quiet", 'q', quiet, "names only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	LATER("filter", 0),
	END,
};

static const struct cli_option volume_options[] = {
	FLAG("quiet", 'q', quiet, "ls: names only; prune: nothing"),
	FLAG("all", 'a', all, "prune: volumes with a name too"),
	FLAG("force", 'f', force, "rm: no error when there is none; prune: do not ask"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "ls: json: one object per line"),
	LATER("filter", 0), LATER("driver", 'd'), LATER("opt", 'o'), LATER("label", 0),
	END,
};

static const struct cli_option doctor_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	FLAG("fix", 0, fix, "remove what stacks that do not run have left behind, as 'down' would"),
	END,
};

static const struct cli_option version_options[] = {
	FLAG("short", 0, shorter, "the number only"),
	VALUE("format", 'f', CHOICE, format, "pretty|json", "the form of the output"),
	END,
};

/* ---- commands -------------------------------------------------------------------------------- */

#define NOT_YET(name, summary) { name, summary, "", 0, 0, no_options, NULL, NULL }

const struct cli_command cli_commands[] = {
	{ "up", "start the stack and show its logs until it is stopped", "[FILE] [SERVICE...]", 256, 0, up_options,
	  "Ctrl-C stops the services in reverse order of dependency and removes everything but volumes and logs; a\n"
	  "second one kills them at once. With -d the stack goes on in the background: see 'ps', 'logs' and 'down'.\n"
	  "With SERVICEs only they are started, with what they depend on. A stack that runs already is changed to what\n"
	  "the file says, and only what differs is touched: see 'plan'. Then Ctrl-C ends this command, not the stack.\n"
	  "On SIGUSR2 the supervisor goes on as the mstack that is installed now, and containers notice nothing.\n"
	  "\n"
	  "  mstack up                        the stack of this folder\n"
	  "  mstack up -d shop.yaml           in the background\n"
	  "  mstack up --wait --wait-timeout 30 && run-the-tests; mstack down\n",
	  cli_up },
	{ "plan", "say what 'up' would do, and why", "[FILE] [SERVICE...]", 256, 0, plan_options,
	  "Compares what runs with what the file says, key by key. What differs is changed in one of three ways: 'live', while\n"
	  "it runs (limits, ports, restart, health checks, labels, impairments); 'restart', the process in the container that\n"
	  "is there (command, environment); or 'recreate', a new container (image, mounts, networks, and all other keys).\n"
	  "What has not changed is not touched. Nothing is done, and the images have to be here.\n"
	  "\n"
	  "  mstack plan\n"
	  "  mstack plan --exit-code || mstack up -d      only if there is something to do\n",
	  cli_plan },
	{ "down", "stop the stack and remove every trace of it but its data", "[FILE]", 0, COMMAND_ACTS, down_options,
	  "Works without the stack file (-p NAME), without a running supervisor, and twice. Volumes and logs stay;\n"
	  "-v removes the volumes.\n",
	  cli_down },
	{ "ps", "list the services of the stack", "[FILE] [SERVICE...]", 256, 0, ps_options,
	  "A template of --format has the keys of the JSON objects: {{.Name}}, {{json .Publishers}}, {{upper .State}};\n"
	  "with 'table' before it there are heads, and \\t stands between columns.\n"
	  "\n"
	  "  mstack ps --format 'table {{.Service}}\\t{{.State}}\\t{{.IP}}'\n"
	  "  mstack ps -a --format '{{.Name}} {{.ExitCode}}'\n",
	  cli_ps },
	{ "logs", "show what the services wrote", "[FILE] [SERVICE...]", 256, 0, logs_options,
	  "Reads the files itself, so it also works when the stack is down. On a terminal, control characters in\n"
	  "the lines are made visible and only colours pass; into a file or a pipe every byte goes as it is.\n",
	  cli_logs },
	{ "events", "show what happens to the stack", "[FILE] [SERVICE...]", 256, 0, events_options,
	  "From now on, until it is interrupted, whether the stack is up, goes down or comes up again. All changes of\n"
	  "services are kept for a while, also when the stack is down; numbers are never given twice. Who was away goes\n"
	  "on with --after. Actions are those of docker (create start die stop kill oom pause unpause destroy restart,\n"
	  "health_status: healthy) and starting, waiting, not_started, start_failed; up, down and lost of the stack.\n"
	  "\n"
	  "  mstack events --json --since 1h --until 0s     what there was in the last hour\n"
	  "  mstack events --json --after 4711              and on\n",
	  cli_events },
	{ "why", "tell why services are as they are", "[FILE] [SERVICE...]", 256, 0, why_options,
	  "How each of them is now, what it waits for, and its last changes with their causes: exit codes, signals and who\n"
	  "sent them, health checks, memory, dependencies, commands and who gave them. Also when the stack is down.\n"
	  "\n"
	  "  mstack why web\n"
	  "  mstack why -n all --format json\n",
	  cli_why },
	{ "exec", "run a command in a running service", "[FILE] SERVICE|--all CMD...", 4096, COMMAND_OWN_WORDS | COMMAND_ACTS,
	  exec_options,
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
	{ "attach", "connect to the input and output of a running service", "[FILE] SERVICE", 1, COMMAND_ACTS, attach_options,
	  "To what it writes from now on, until it ends; with 'tty: true' and 'stdin_open: true' in the stack file it is at\n"
	  "its terminal, with 'stdin_open: true' alone at its standard input. The exit code is the service's. The log\n"
	  "goes on beside it: see 'logs'. Several may be attached at the same time.\n",
	  cli_attach },
	{ "cp", "copy files from and to a service", "[FILE] SERVICE:PATH TARGET|- | SOURCE|- SERVICE:PATH", 3,
	  COMMAND_NO_FILE | COMMAND_ACTS, cp_options,
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
	  COMMAND_OWN_WORDS | COMMAND_ACTS, run_options,
	  "Of a service, with what it depends on, which stays up; or of an image alone, in a network of its own that leads\n"
	  "outside through the host. It is isolated as a service is, and gone after its end, with what it wrote outside of\n"
	  "volumes (which is in memory, 1 GiB at most). It ends with mstack, unless -d, or ctrl-p ctrl-q on a terminal. The exit code is\n"
	  "the command's; 125 it could not be made, 126 it cannot be executed, 127 it was not found, 128+N it was ended by\n"
	  "signal N. Signals sent to mstack are passed on. What stands behind SERVICE, or behind --, belongs to the command.\n"
	  "\n"
	  "  mstack run --rootfs ./alpine -- /bin/sh        a shell in a folder\n"
	  "  mstack run --memory 128m --pids 64 --cpus 0.5 --image alpine -- sh\n"
	  "  mstack run stack.yaml web sh                   as a service of the stack\n"
	  "  mstack run db pg_dump shop >shop.sql           out of the container\n",
	  cli_run },
	{ "top", "show the processes of the services", "[FILE] [SERVICE...]", 256, 0, top_options,
	  "PID and PPID are those of the host; UID is looked up in the container's own /etc/passwd. Control characters in\n"
	  "what a process calls itself are made visible.\n",
	  cli_top },
	{ "stats", "show what the services use", "[FILE] [SERVICE...]", 256, 0, stats_options,
	  "Once a second, until it is interrupted or the stack is down. CPU is the share of one processor; memory without what\n"
	  "the kernel would give back at once. -- is what is not counted here: a controller of cgroup v2 is missing, or the\n"
	  "service does not run. In JSON raw numbers stand beside the words.\n"
	  "\n"
	  "  mstack stats --no-stream --format '{{.Name}} {{.CPUPerc}}'\n"
	  "  mstack stats --format 'table {{.Name}}\\t{{.MemUsage}}'\n",
	  cli_stats },
	{ "port", "show where a port of a service is published", "[FILE] SERVICE PORT[/PROTOCOL]", 2, 0, port_options, NULL,
	  cli_port },
	{ "link", "list the links of services; cut and mend them", "[FILE] | up|down [FILE] SERVICE:INTERFACE...", 257,
	  COMMAND_VERB, link_options,
	  "Lab links ('x-links') and attachments to networks. 'down' takes the carrier away at both ends, as if the cable\n"
	  "were pulled; addresses and routes inside stay as they are, and 'up' gives it back. A link is called by either\n"
	  "of its ends, as in the stack file. States: up; down; no-carrier: an end was taken down from within; absent:\n"
	  "its services have not been started.\n",
	  cli_link },
	{ "start", "start services that were stopped", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, start_options,
	  "With what they depend on, in order; delays and counters of restarts begin anew. A service that has ended well by\n"
	  "itself has done its work, and is run again only when it is named. For a stack that is not up: 'up'.\n",
	  cli_start },
	{ "stop", "stop services; their addresses, links and files stay", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, stop_options,
	  "Those that depend on others of them first. A stopped service is not restarted, whatever its policy, until 'start';\n"
	  "the stack stays up, also in the foreground, where it ends when all services have ended by themselves.\n",
	  cli_stop },
	{ "restart", "stop services and start them again", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, restart_options,
	  "All are down before the first is up again; address, links, files and log stay. With them those that run and depend\n"
	  "on them by 'restart: true'. Changes of the stack file are not read.\n",
	  cli_restart },
	{ "kill", "end services at once, or send them a signal", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, kill_options,
	  "After SIGKILL, and the signal that stops a service, it is not restarted. Of others it does what it likes.\n"
	  "\n"
	  "  mstack kill -s HUP web\n",
	  cli_kill },
	{ "rm", "remove stopped services, and what they wrote", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, rm_options,
	  "What they wrote outside of volumes is gone; logs stay, and so do addresses and links until the stack is down. 'create'\n"
	  "makes them anew. Asks first, unless -f is given.\n",
	  cli_rm },
	{ "create", "make everything without starting it", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, create_options,
	  "As 'up --no-start': networks, volumes and images are there, and 'start' starts the services. When the stack is up: what\n"
	  "'rm' removed.\n",
	  cli_create },
	{ "scale", "have so many containers of services", "[FILE] SERVICE=NUMBER...", 256, COMMAND_ACTS, scale_options,
	  "As 'up -d --scale' for these services: what is too much goes, the highest numbers first, and what is missing comes.\n"
	  "\n"
	  "  mstack scale web=3 worker=0\n",
	  cli_scale },
	{ "wait", "wait until services end", "[FILE] SERVICE...", 256, COMMAND_ACTS, wait_options,
	  "Each end is a line; the exit code is that of the last one. Who does not run has ended already.\n", cli_wait },
	{ "pause", "let the processes of services stand still", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, no_options,
	  "They keep memory, files and connections, and hear no signal until 'unpause', 'stop' or 'down'. Health checks\n"
	  "wait as well.\n",
	  cli_pause },
	{ "unpause", "let paused services go on", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, no_options, NULL,
	  cli_unpause },
	{ "impair", "make a link slow or lossy, while it carries traffic",
	  "[FILE] [SERVICE:INTERFACE [egress|ingress] KEY=VALUE...|clear]", 64, COMMAND_ACTS, impair_options,
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
	{ "capture", "record the packets of services", "[FILE] [SERVICE[:IFACE]...]", 256, COMMAND_ACTS, capture_options,
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
	{ "graph", "draw the topology", "[FILE] [SERVICE...]", 256, 0, graph_options,
	  "Services, networks and wires, as the file has them; when the stack runs, with states, addresses, cut links and what\n"
	  "goes over each at the moment. With SERVICEs only they, and what they depend on. dot is for graphviz, mermaid for\n"
	  "GitHub and other wikis; SVG and HTML need nothing else.\n"
	  "\n"
	  "  mstack graph                             as text\n"
	  "  mstack graph -o shop.svg                 as a picture\n"
	  "  mstack graph --format dot | dot -Tpdf -o shop.pdf\n",
	  cli_graph },
	{ "config", "check the stack file and print it in its full form", "[FILE] [SERVICE...]", 256, 0, config_options,
	  "The output is a stack file again, with nothing left to look up. With SERVICEs it has only them, and what\n"
	  "they depend on. Problems go to standard error with file, line and column; exit code 3 when there is an error.\n"
	  "\n"
	  "  mstack config -q && echo fine           check\n"
	  "  mstack config -q --format json          for editors: only the problems, one JSON object per line\n"
	  "  mstack config --explain                 where does this value come from?\n"
	  "  mstack config --hash web,db             has one of them changed?\n",
	  cli_config },
	{ "init", "write a small stack file to begin with", "[FILE]", 0, COMMAND_ACTS, init_options,
	  "The file is stack.yaml, unless another one is named; - writes it to standard output. It explains itself and\n"
	  "runs as it is: mstack init && sudo mstack up\n",
	  cli_init },
	{ "pull", "fetch the images of the stack from their registries", "[FILE] [SERVICE...]", 256, COMMAND_ACTS, pull_options,
	  "Newer ones too, where the pull_policy is not 'missing' or 'never'; with SERVICEs only theirs. Layers that are\n"
	  "here are not fetched again, and what was cut off goes on where it ended. 'up' pulls what is absent by itself.\n"
	  "Passwords are those of 'docker login' (~/.docker/config.json, or the folder DOCKER_CONFIG). Registries speak\n"
	  "https, on this machine also plain http. For an image without a stack: 'image pull'.\n"
	  "\n"
	  "  mstack pull && mstack down && mstack up -d     the stack with the newest images\n"
	  "  mstack pull --check || echo 'time to pull'     0 all up to date, 10 something is newer or not here\n",
	  cli_pull },
	{ "image", "list, pull, import and remove images", "ls|pull|import|rm|prune|inspect [ARGUMENTS]", 64,
	  COMMAND_NO_FILE | COMMAND_ACTS, image_options,
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
	{ "images", "list the images of the containers", "[FILE] [SERVICE...]", 256, 0, images_options,
	  "What the containers of the stack, also those that have ended, were made of: the image that their name meant\n"
	  "when they were made, whatever it means now. Folders have neither id nor size. For all images: 'image ls'.\n",
	  cli_images },
	{ "volumes", "list the volumes of the stack", "[FILE] [SERVICE...]", 256, 0, volumes_options,
	  "Those that it made, named and anonymous, and those of others (external) that its file names.\n",
	  cli_volumes },
	{ "volume", "list, make and remove volumes", "ls|create|rm|prune|inspect [NAME...]", 256,
	  COMMAND_NO_FILE | COMMAND_ACTS, volume_options,
	  "volume ls                      all volumes, whose they are, and whether a running stack uses them\n"
	  "volume create [NAME]           for stack files that call it external\n"
	  "volume rm NAME...              removes it with its data; not while a running stack uses it\n"
	  "volume prune                   removes anonymous ones that no running stack uses; with -a named ones too\n"
	  "volume inspect NAME...         everything about it, as JSON\n",
	  cli_volume },
	{ "ls", "list the stacks of this host", "", 0, COMMAND_NO_FILE, ls_options, NULL, cli_ls },
	{ "doctor", "say whether this host can run stacks and what they left behind, and what to do about it", "", 0, COMMAND_NO_FILE, doctor_options,
	  "Compares what is there with what the stacks have written down: names all that a stack has left which nobody\n"
	  "runs any more, and what somebody else has removed from one that runs. Only what is ours is touched by --fix.\n"
	  "Exit code 6 when kernel and ledgers do not say the same, 1 when something is missing that every stack needs.\n",
	  cli_doctor },
	{ "version", "print the version", "", 0, COMMAND_NO_FILE, version_options, NULL, cli_version },
	{ "help", "explain mstack, one command, or the keys of a stack file", "[COMMAND|keys]", 1, COMMAND_NO_FILE, no_options, NULL,
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
