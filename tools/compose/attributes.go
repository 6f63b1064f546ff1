package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// compareFile compares the search attributes that the stack creates, one Name=Type a line of the file at path, with those that
// the product uses, given the same way by want.
func compareFile(path string, want io.Reader) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the stack's search attributes: %w", err)
	}
	defer file.Close()
	have, err := readAttributes(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	product, err := readAttributes(want)
	if err != nil {
		return nil, fmt.Errorf("read the product's search attributes from standard input: %w", err)
	}
	if len(product) == 0 {
		return nil, fmt.Errorf("standard input holds no search attribute: pipe `starter search-attributes` into this command")
	}
	return compare(have, product), nil
}

// compare returns one line per attribute that the two lists do not share.
func compare(stack, product map[string]string) []string {
	var findings []string
	all := maps.Clone(stack)
	maps.Copy(all, product)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		have, created := stack[name]
		want, used := product[name]
		switch {
		case !created:
			findings = append(findings, fmt.Sprintf("search attribute %s=%s is used by the product but not created by the stack", name, want))
		case !used:
			findings = append(findings, fmt.Sprintf("search attribute %s=%s is created by the stack but not used by the product", name, have))
		case have != want:
			findings = append(findings, fmt.Sprintf("search attribute %s is created as %s but used as %s", name, have, want))
		}
	}
	return findings
}

func readAttributes(r io.Reader) (map[string]string, error) {
	attributes := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		name, kind, ok := strings.Cut(line, "=")
		if !ok || name == "" || kind == "" {
			return nil, fmt.Errorf("%q is not of the form Name=Type", line)
		}
		if _, twice := attributes[name]; twice {
			return nil, fmt.Errorf("%s stands there twice", name)
		}
		attributes[name] = kind
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("scan lines: %w", err)
	}
	return attributes, nil
}
