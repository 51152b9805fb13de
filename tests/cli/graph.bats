# SPDX-License-Identifier: GPL-2.0-or-later
#
# `mstack graph` of what the file says: no rights, nothing that runs.

load common

shop() {
	cat >shop.yaml <<-'END'
		name: shop
		services:
		  web: {image: nginx, ports: ["8080:80"], networks: [front, back], depends_on: [db]}
		  db: {image: '<postgres & "friends">', networks: [back]}
		  other: {image: nginx, networks: [front]}
		networks: {front: {}, back: {internal: true}}
	END
}

@test "graph: text" {
	shop
	expect 0 mstack graph shop.yaml
	says 'stack shop' 'web    nginx  8080 -> 80/tcp' 'network back (internal)' 'web    eth1'
}

@test "graph: with services only they, and what they depend on" {
	shop
	expect 0 mstack graph shop.yaml web
	says 'web  ' 'db   '
	[[ $output != *other* ]]
	expect 2 mstack graph shop.yaml wob
}

@test "graph: a file's name says its form, and the option wins" {
	shop
	for file in a.svg b.html c.dot d.gv e.mmd f.txt g h.svg; do
		mstack graph shop.yaml -o "$file"
	done
	mstack graph shop.yaml --format mermaid -o h.svg
	head -c 4 a.svg | grep -q '<svg'
	head -n 1 b.html | grep -q DOCTYPE
	cmp c.dot d.gv
	head -n 1 c.dot | grep -q '^graph "shop" {$'
	head -n 1 e.mmd | grep -q '^flowchart TB$'
	cmp f.txt g
	cmp e.mmd h.svg
	expect 2 mstack graph shop.yaml --format png
	expect 2 mstack graph shop.yaml --format text -o shop.yaml
	says 'this is a file of the stack'
	head -n 1 shop.yaml | grep -q '^name: shop$'
}

@test "graph: SVG and HTML are XML, whatever an image is called" {
	shop
	mstack graph shop.yaml -o shop.svg
	python3 - <<-'END'
		import xml.etree.ElementTree as tree
		root = tree.parse("shop.svg").getroot()
		texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
		assert '<postgres & "friends">' in texts, texts
		assert {"web", "db", "front", "back", "eth0", "8080 -> 80/tcp"} <= set(texts), texts
		assert not root.findall(".//{*}script")
	END
}

@test "graph: graphviz takes the dot" {
	command -v dot >/dev/null || skip 'needs dot (graphviz)'
	shop
	mstack graph shop.yaml --format dot | dot -Tsvg >dot.svg
	grep -q '&lt;postgres &amp; &quot;friends&quot;&gt;' dot.svg
}

@test "graph: a broken stack is not drawn" {
	echo 'services: {a: {imag: x}}' >stack.yaml
	expect 3 mstack graph
	says imag
}

@test "graph: a file that is named like none of its forms is not written" {
	shop
	expect 2 mstack graph shop.yaml -o shop.png
	one_line
	says "'shop.png'" .svg --format
	[[ ! -e shop.png ]]
	mkdir a.png
	expect 0 mstack graph shop.yaml -o a.png/text
	expect 0 mstack graph shop.yaml --format svg -o a.png/shop.png
	head -c 4 a.png/shop.png | grep -q '<svg'
}
