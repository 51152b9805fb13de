# SPDX-License-Identifier: GPL-2.0-or-later
#
# clab2stack: topologies of containerlab become stack files, or errors that say where and what to do. The inputs and what must come
# of them are in tests/cli/clab.

load common

CLAB=$BATS_TEST_DIRNAME/clab
PATH=$BATS_TEST_DIRNAME/../../tools:$PATH

setup_file() {
	python3 -c 'import yaml' 2>/dev/null || export SKIP_ALL='python3-yaml is not installed'
}

convertible() { [[ -z ${SKIP_ALL:-} ]] || skip "$SKIP_ALL"; }

@test "clab2stack: everything that can be converted, and mstack reads it" {
	convertible
	cp "$CLAB/two.clab.yml" .
	expect 0 clab2stack two.clab.yml
	diff "$CLAB/two.stack.yaml" <(echo "$output")
	expect 0 clab2stack -o stack.yaml two.clab.yml
	cmp "$CLAB/two.stack.yaml" stack.yaml
	expect 0 mstack config --format json
	mstack config --format json >out
	[[ $(jq -r '.services.r1.command[2]' out) == "echo $HOME costs 5\$\$; exec sleep 1000" ]]
	[[ $(jq -r '.services.r2.environment | "\(.SITE) \(.LEVEL)"' out) == 'here low' ]]
	[[ $(jq -r '.services.r1.ports | map(.published) | join(" ")' out) == '8080 53 22' ]]
}

@test "clab2stack: --privileged, standard input, a file that is there" {
	convertible
	clab2stack --privileged - <"$CLAB/two.clab.yml" >stack.yaml
	[[ $(grep -c 'privileged: true' stack.yaml) == 3 ]]
	! grep cap_add stack.yaml || return 1
	expect 1 clab2stack -o stack.yaml "$CLAB/two.clab.yml"
	says 'stack.yaml: File exists'
	expect 1 clab2stack nosuch
	says 'nosuch: No such file'
	expect 2 clab2stack
}

@test "clab2stack: what cannot be converted is told, all of it, with its line and what to do" {
	convertible
	cp "$CLAB/wrong.clab.yml" .
	expect 3 clab2stack wrong.clab.yml
	diff "$CLAB/wrong.err" <(echo "$output")
	printf 'topology:\n  nodes: {a: [\n' >bad.yml
	expect 3 clab2stack bad.yml
	[[ $output == bad.yml:3:* ]]
	printf 'a: 1\na: 2\n' >twice.yml
	expect 3 clab2stack twice.yml
	says "twice.yml:2: error: key 'a' stands here twice"
	echo 7 >seven.yml
	expect 3 clab2stack seven.yml
	says 'this is no topology'
}
