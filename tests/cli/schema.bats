# SPDX-License-Identifier: GPL-2.0-or-later
#
# The JSON schema for editors: valid, and with the same keys of ours as the tables that files are read by.

load common

SCHEMA=$BATS_TEST_DIRNAME/../../tools/dist/mstack.schema.json

# The keys of ours that the schema has, one path in each line, written as `mstack help keys` writes them.
schema_keys() {
	python3 - "$SCHEMA" <<-'END'
		import json, sys

		schema = json.load(open(sys.argv[1]))

		def walk(node, path):
		    if "$ref" in node:
		        node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
		    for key, below in node.get("properties", {}).items():
		        here = f"{path}.{key}" if path else key
		        if ".x-" in "." + here:
		            print(here)
		        walk(below, here)
		    if isinstance(node.get("additionalProperties"), dict):
		        walk(node["additionalProperties"], path + ".NAME")
		    if "items" in node:
		        walk(node["items"], path + "[]")

		walk({"$ref": "#/definitions/stack"}, "")
	END
}

# Those that mstack knows.
table_keys() { mstack help keys | awk '/^  / { print $1 }' | grep -E '(^|[.])x-'; }

@test "schema: is JSON that points at the schema of compose" {
	jq -e '.["$schema"] | contains("draft-07")' "$SCHEMA"
	jq -e '.allOf[0]["$ref"] | test("^https://.*/compose-spec[.]json$")' "$SCHEMA"
	# Each reference of its own leads somewhere.
	[[ -z $(jq -r '.definitions as $d | [.. | objects | .["$ref"]? | strings | select(startswith("#/definitions/")) |
		ltrimstr("#/definitions/")] | unique[] | select($d[.] == null)' "$SCHEMA") ]]
}

@test "schema: has every key of ours, and no other" {
	diff <(schema_keys | grep -E '(^|[.])x-[^.[]*$' | sort) <(table_keys | grep -E '(^|[.])x-[^.[]*$' | sort)
	# What the tables know below such a key is there too.
	comm -13 <(schema_keys | sort) <(table_keys | sort) | tee missing
	[[ ! -s missing ]]
	[[ $(table_keys | wc -l) -ge 8 ]]
}

@test "schema: judges files as mstack does" {
	python3 -c 'import jsonschema, yaml' 2>/dev/null || skip 'python has no jsonschema and yaml here'
	cat >good.yaml <<-'END'
		x-on-supervisor-death: stop
		x-isolated: false
		x-mine: anything
		x-links: [{endpoints: ["a:eth1", "b:eth1"], mtu: 9000, impair: {delay: 20ms}}]
		services:
		  a:
		    image: busybox
		    x-rootfs: {writable: true}
		    x-on-unhealthy: restart
		    healthcheck: {x-probe: {tcp: 80}}
		    networks: {lab: {x-impair: {loss: "1%", egress: {rate: 1mbit, seed: 7}}}, other: }
		    ports: ["80", {target: 80, x-allow: [10.0.0.0/8]}]
		  b: {image: busybox, networks: [lab]}
	END
	python3 - "$SCHEMA" <<-'END'
		import json, sys, yaml
		from jsonschema import Draft7Validator

		schema = json.load(open(sys.argv[1]))
		Draft7Validator.check_schema(schema)
		# Only our part: nothing is fetched here.
		schema["allOf"] = schema["allOf"][1:]
		check = Draft7Validator(schema)
		check.validate(yaml.safe_load(open("good.yaml")))
		for bad in ("x-on-supervisor-death: maybe", "x-links: [{mtu: 5}]", "services: {a: {x-rootfs: {writeable: true}}}",
		            "services: {a: {healthcheck: {x-probe: {}}}}", "services: {a: {networks: {n: {x-impair: {los: 1}}}}}"):
		    assert not check.is_valid(yaml.safe_load(bad)), bad
	END
}
