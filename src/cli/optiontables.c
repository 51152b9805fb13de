/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * optiontables: the options of mstack and of each of its commands, as tables. Parsing and help are driven by them; a new option is a
 * new row and a field in struct cli_options. What is known to the contract but not done yet has a row too, so that a script is told
 * the truth instead of being misunderstood. Read through the table of commands (command.c).
 */
#include "cli/optiontables.h"

/* clang-format off */
#define AT(field) offsetof(struct cli_options, field)
#define FLAG(name, letter, field, help) { name, letter, OPTION_FLAG, AT(field), NULL, help, NULL }
#define VALUE(name, letter, kind, field, arg, help) { name, letter, OPTION_##kind, AT(field), arg, help, NULL }
#define LATER(name, letter) { name, letter, OPTION_LATER, 0, NULL, NULL, NULL }
#define FIXED(name, letter, value, help) { name, letter, OPTION_FIXED, 0, value, help, NULL }
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

/* ---- of single commands ---------------------------------------------------------------------- */

const struct cli_option cli_no_options[] = { END };

const struct cli_option cli_up_options[] = {
	FLAG("detach", 'd', detach, "return when everything is started"),
	FLAG("wait", 0, wait, "return when all is healthy, or runs for 0.5 s unchecked (implies -d)"),
	VALUE("wait-timeout", 0, SECONDS, wait_timeout_s, "SECONDS", "give --wait up after so long; the stack goes on"),
	FLAG("abort-on-container-exit", 0, abort_on_exit, "stop all when one service ends"),
	FLAG("abort-on-container-failure", 0, abort_on_failure, "stop all when one service fails"),
	VALUE("exit-code-from", 0, TEXT, exit_code_from, "SERVICE", "exit as it does (implies --abort-on-container-exit)"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	VALUE("attach", 0, LIST, attach, "SERVICE", "show the log of this one, and of others only if they are named too"),
	FLAG("attach-dependencies", 0, attach_deps, "show the logs of what the named services depend on too"),
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
	FLAG("renew-anon-volumes", 'V', renew_volumes, "anonymous volumes of what is made anew begin empty, what they held is lost"),
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "so many containers of it, instead of the file's"),
	FLAG("no-deps", 0, no_deps, "without what the services depend on"),
	FLAG("no-start", 0, no_start, "make everything and start nothing: see 'start'"),
	FLAG("build", 0, build, "accepted, but for services with 'build:': mstack builds no images"),
	FLAG("no-build", 0, accepted, "accepted; mstack builds no images"),
	FLAG("quiet-build", 0, accepted, "accepted; mstack builds no images"),
	FLAG("yes", 'y', accepted, "accepted; nothing is asked"),
	FIXED("menu", 0, "false", "accepted; there is none"),
	FIXED("watch", 'w', "false", "accepted; files are not watched"),
	END,
};

const struct cli_option cli_plan_options[] = {
	FLAG("exit-code", 0, exit_code, "10 when something would be done"),
	VALUE("format", 0, CHOICE, format, "text|json", "json: one object per line: containers, networks and wires, then what differs of them"),
	FLAG("remove-orphans", 0, remove_orphans, "as of 'up'"),
	FLAG("force-recreate", 0, force_recreate, "as of 'up'"),
	FLAG("no-recreate", 0, no_recreate, "as of 'up'"),
	FLAG("always-recreate-deps", 0, recreate_deps, "as of 'up'"),
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "as of 'up'"),
	END,
};

const struct cli_option cli_down_options[] = {
	FLAG("volumes", 'v', volumes, "remove the volumes and the data in them too"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted; everything of the project is removed anyway"),
	VALUE("rmi", 0, CHOICE, rmi, "all|local", "remove the images of the services too; local: those built, so none"),
	END,
};

const struct cli_option cli_ps_options[] = {
	FLAG("all", 'a', all, "services that have ended too"),
	FLAG("quiet", 'q', quiet, "ids only"),
	FLAG("services", 0, services, "names of services only"),
	VALUE("status", 0, LIST, status, "STATE", "only those in it: created, running, paused, restarting, exited or dead"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	FLAG("no-trunc", 0, no_trunc, "accepted; nothing is cut off anyway"),
	FIXED("orphans", 0, "true", "accepted; services that are not in the file any more are listed anyway"),
	VALUE("filter", 0, LIST, filters, "KEY=VALUE", "only these: status=, health=, service=, name=; of one key any, of all one"),
	END,
};

const struct cli_option cli_ls_options[] = {
	FLAG("all", 'a', all, "accepted; all stacks are listed anyway"),
	FLAG("quiet", 'q', quiet, "names only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	VALUE("filter", 0, LIST, filters, "KEY=VALUE", "only these: name=RE, as 'grep -E' takes it; of several any"),
	END,
};

const struct cli_option cli_logs_options[] = {
	FLAG("follow", 'f', follow, "go on with what comes, until the stack is down"),
	VALUE("tail", 'n', TEXT, tail, "N", "only the last N lines of each service, or all"),
	FLAG("timestamps", 't', timestamps, "show when each line was written"),
	VALUE("since", 0, TEXT, since, "TIME", "not before: 2026-01-31[T10:00[:00[Z]]], seconds since 1970, or 10m (ago)"),
	VALUE("until", 0, TEXT, until, "TIME", "not after; a time without Z is local"),
	FLAG("no-color", 0, no_color, "prefixes without colour"),
	FLAG("no-log-prefix", 0, no_prefix, "lines without the service's name"),
	VALUE("index", 0, TEXT, index, "N", "only container number N of the services"),
	FLAG("json", 0, json, "one object per line: time, service, slot, stream, text"),
	VALUE("grep", 0, TEXT, grep, "RE", "only lines that match, as 'grep -E' does; -n counts these"),
	END,
};

const struct cli_option cli_events_options[] = {
	FLAG("json", 0, json, "one object per line, with its number as 'seq'"),
	VALUE("since", 0, TEXT, since, "TIME", "from then on: 2026-01-31[T10:00[:00[Z]]], seconds since 1970, or 10m (ago)"),
	VALUE("until", 0, TEXT, until, "TIME", "not after; a time that is past (0s) ends it at once; local without Z"),
	VALUE("after", 0, TEXT, after, "SEQ", "go on behind the event of this number"),
	VALUE("filter", 0, LIST, filters, "KEY=VALUE", "only these: service=, container=, event=, type=; of one key any, of all keys one"),
	END,
};

const struct cli_option cli_why_options[] = {
	VALUE("tail", 'n', TEXT, tail, "N", "the last N changes of each container, or all; 10"),
	VALUE("format", 0, CHOICE, format, "text|json", "json: one object per line, for each container"),
	END,
};

const struct cli_option cli_exec_options[] = {
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

const struct cli_option cli_attach_options[] = {
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	FLAG("no-stdin", 0, no_stdin, "only look: nothing is typed into it"),
	VALUE("detach-keys", 0, TEXT, detach_keys, "KEYS", "leave the service alone; ctrl-p,ctrl-q, \"\" is none"),
	FLAG("sig-proxy", 0, sig_proxy, "pass signals on to the service (the default); =false: they end mstack instead"),
	END,
};

const struct cli_option cli_cp_options[] = {
	FLAG("archive", 'a', archive, "keep owners and attributes"),
	FLAG("follow-link", 'L', follow_link, "copy what SOURCE points to when it is a link, not the link"),
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else out of the first, and into all"),
	FLAG("all", 0, all, "into containers of 'run' of the service, too"),
	END,
};

const struct cli_option cli_stats_options[] = {
	FLAG("all", 'a', all, "services that do not run too"),
	FLAG("no-stream", 0, no_stream, "once only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each container"),
	FLAG("no-trunc", 0, no_trunc, "accepted; nothing is cut off anyway"),
	END,
};

const struct cli_option cli_start_options[] = {
	FLAG("wait", 0, wait, "until they are healthy or, without a health check, have run for half a second"),
	VALUE("wait-timeout", 0, SECONDS, wait_timeout_s, "SECONDS", "with --wait: give it up after so long; they go on"),
	END,
};

const struct cli_option cli_stop_options[] = {
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period, instead of the file's; 0: kill at once"),
	END,
};

const struct cli_option cli_restart_options[] = {
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period, instead of the file's; 0: kill at once"),
	FLAG("no-deps", 0, no_deps, "without those that depend on them by 'restart: true'"),
	END,
};

const struct cli_option cli_kill_options[] = {
	VALUE("signal", 's', TEXT, signal, "SIGNAL", "by name or number, instead of SIGKILL"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted and nothing else; 'up --remove-orphans' removes them"),
	END,
};

const struct cli_option cli_rm_options[] = {
	FLAG("force", 'f', force, "do not ask"),
	FLAG("stop", 's', stop, "stop them first"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "with --stop: grace period, instead of the file's"),
	FLAG("volumes", 'v', volumes, "with the anonymous volumes that only they use, and the data in them"),
	END,
};

const struct cli_option cli_create_options[] = {
	VALUE("scale", 0, LIST, scale, "SERVICE=NUMBER", "so many containers of it, instead of the file's"),
	VALUE("pull", 0, CHOICE, pull, "always|missing|never|policy", "when images are pulled, instead of the file's pull_policy"),
	FLAG("quiet-pull", 0, quiet_pull, "do not tell how pulling goes on"),
	FLAG("remove-orphans", 0, remove_orphans, "accepted and nothing else; 'up --remove-orphans' removes them"),
	FLAG("no-recreate", 0, accepted, "accepted; what is there stays as it is anyway"),
	FLAG("force-recreate", 0, force_recreate, "of a stack that is not up, where nothing is there yet"),
	FLAG("build", 0, build, "accepted, but for services with 'build:': mstack builds no images"),
	FLAG("no-build", 0, accepted, "accepted; mstack builds no images"),
	FLAG("quiet-build", 0, accepted, "accepted; mstack builds no images"),
	FLAG("yes", 'y', accepted, "accepted; nothing is asked"),
	END,
};

const struct cli_option cli_scale_options[] = {
	FLAG("no-deps", 0, no_deps, "without what the services depend on"),
	VALUE("timeout", 't', SECONDS, timeout_s, "SECONDS", "grace period of a stop, instead of the file's"),
	END,
};

const struct cli_option cli_wait_options[] = {
	FLAG("down-project", 0, down_project, "take the stack down when the first of them has ended"),
	END,
};

const struct cli_option cli_link_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each link"),
	END,
};

const struct cli_option cli_port_options[] = {
	VALUE("protocol", 0, CHOICE, protocol, "tcp|udp", "of the port; tcp"),
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	END,
};

const struct cli_option cli_impair_options[] = {
	VALUE("index", 0, TEXT, index, "N", "which container of the service; else the first"),
	VALUE("format", 0, CHOICE, format, "table|json", "json: one object per line"),
	END,
};

const struct cli_option cli_run_options[] = {
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
	FLAG("remove-orphans", 0, remove_orphans, "accepted and nothing else; 'up --remove-orphans' removes them"),
	FLAG("use-aliases", 0, use_aliases, "others find it by the names of the service, too"),
	FLAG("build", 0, build, "accepted, but for services with 'build:': mstack builds no images"),
	FLAG("quiet-build", 0, accepted, "accepted; mstack builds no images"),
	END,
};

const struct cli_option cli_top_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each process"),
	END,
};

const struct cli_option cli_capture_options[] = {
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

const struct cli_option cli_graph_options[] = {
	VALUE("format", 0, CHOICE, format, "text|dot|mermaid|svg|html", "the form of the output; else by the end of FILE, else text"),
	VALUE("output", 'o', TEXT, output, "FILE", "write there instead; never onto a stack file that is read"),
	END,
};

const struct cli_option cli_config_options[] = {
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

const struct cli_option cli_init_options[] = {
	FLAG("force", 0, force, "write over a file that is there"),
	END,
};

const struct cli_option cli_pull_options[] = {
	FLAG("check", 0, check, "only compare with the registries; exit code 10 when there is something to pull"),
	VALUE("policy", 0, CHOICE, policy, "missing|always", "missing: only what is not here; instead of the file's pull_policy"),
	FLAG("include-deps", 0, include_deps, "images of what the SERVICEs depend on, too"),
	FLAG("ignore-pull-failures", 0, ignore_failures, "what cannot be pulled is a warning"),
	FLAG("ignore-buildable", 0, ignore_buildable, "leave out images that can be built"),
	FLAG("quiet", 'q', quiet, "failures only; with --check the images that are to be pulled"),
	END,
};

const struct cli_option cli_image_options[] = {
	FLAG("quiet", 'q', quiet, "ids only; of pull names only; of rm and prune nothing"),
	FLAG("all", 'a', all, "prune: images with a name too"),
	FLAG("force", 'f', force, "rm: also what a running stack uses, and all names of an id; prune: do not ask"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "ls: json: one object per line"),
	FLAG("no-trunc", 0, no_trunc, "ls: whole ids and digests"),
	LATER("filter", 0), LATER("digests", 0),
	END,
};

const struct cli_option cli_images_options[] = {
	FLAG("quiet", 'q', quiet, "ids only, each once"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line, for each container"),
	END,
};

const struct cli_option cli_volumes_options[] = {
	FLAG("quiet", 'q', quiet, "names only"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	LATER("filter", 0),
	END,
};

const struct cli_option cli_volume_options[] = {
	FLAG("quiet", 'q', quiet, "ls: names only; prune: nothing"),
	FLAG("all", 'a', all, "prune: volumes with a name too"),
	FLAG("force", 'f', force, "rm: no error when there is none; prune: do not ask"),
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "ls: json: one object per line"),
	LATER("filter", 0), LATER("driver", 'd'), LATER("opt", 'o'), LATER("label", 0),
	END,
};

const struct cli_option cli_doctor_options[] = {
	VALUE("format", 0, FORMAT, format, "table|json|TEMPLATE", "json: one object per line"),
	FLAG("fix", 0, fix, "remove what stacks that do not run have left behind, as 'down' would"),
	END,
};

const struct cli_option cli_version_options[] = {
	FLAG("short", 0, shorter, "the number only"),
	VALUE("format", 'f', CHOICE, format, "pretty|json", "the form of the output"),
	END,
};

/* clang-format on */
