package badinput_test

func scenario(content string) []file { return []file{{path: "scenario.yaml", content: content}} }

const oneDataflow = "organizations:\n  - id: ACME@AdobeOrg\n    sandboxes:\n      - name: prod\n        dataflows:\n"

// emulatorRows are rehearsals that cannot begin.
func emulatorRows() []row {
	const command = "emulator --listen 127.0.0.1:0 --scenario scenario.yaml"
	return []row{
		{name: "emulator: superfluous argument", command: "emulator scenario.yaml", code: usage, says: []string{`"scenario.yaml"`}},
		{name: "emulator: unknown flag", command: "emulator --port 80", code: usage, says: []string{"--port"}},
		{name: "emulator: no address", command: "emulator --listen 8480", code: usage, says: []string{`--listen is "8480"`, "HOST:PORT"}},
		{
			name: "emulator: unknown log format", command: "emulator --log-format xml", code: usage,
			says: []string{`--log-format "xml": write console or json`},
		},
		{
			name: "emulator: ledger into a directory", files: []file{{path: "ledger", mode: folder}},
			command: "emulator --listen 127.0.0.1:0 --ledger ledger", code: usage,
			says: []string{"ledger file"},
		},
		{name: "emulator: no scenario", command: command, code: usage, says: []string{"flag --scenario: no file at scenario.yaml"}},
		{
			name: "emulator: scenario that is no YAML", files: scenario("organizations:\n  - id: [\n"), command: command, code: usage,
			says: []string{"scenario.yaml: not valid YAML: line 2: "},
		},
		{
			name: "emulator: unknown keys", files: scenario("stagess: {}\norganizations:\n  - {id: ACME@AdobeOrg, credential: acme}\n"),
			command: command, code: usage,
			says: []string{"scenario.yaml: line 1: field stagess is unknown here", "line 3: field credential is unknown here"},
		},
		{
			name: "emulator: organization twice", files: scenario("organizations: [{id: ACME@AdobeOrg}, {id: ACME@AdobeOrg}]\n"),
			command: command, code: usage,
			says: []string{"scenario.yaml", `organization "ACME@AdobeOrg" stands there twice`},
		},
		{
			name: "emulator: unknown state", files: scenario(oneDataflow + "          - {name: Cabins, state: on}\n"),
			command: command, code: usage,
			says: []string{"scenario.yaml", `dataflow "Cabins"`, "write enabled or disabled"},
		},
		{
			name: "emulator: unknown account", files: scenario(oneDataflow + "          - {name: Cabins, account: Nobody}\n"),
			command: command, code: usage,
			says: []string{"scenario.yaml", `account "Nobody" is not among the sandbox's accounts`},
		},
		{
			name: "emulator: unknown effect", files: scenario("faults: [{effect: boom}]\n"), command: command, code: usage,
			says: []string{"scenario.yaml", `effect "boom" is not known`, "cut_after"},
		},
	}
}
