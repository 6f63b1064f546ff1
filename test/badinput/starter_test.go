package badinput_test

import "strings"

// Manifests of the rows, each with one thing wrong.
const (
	onlyAcme     = "organizations:\n  - {id: ACME@AdobeOrg, name: Acme, credential: acme}\n"
	goodManifest = "playbook: pinterest-v5\n" + onlyAcme
	manyFaults   = `playbook: pinterest-v5
organisations: []
organizations:
  - {id: ACME@AdobeOrg, name: Acme, credential: acme}
  - {id: ACME@AdobeOrg, name: Acme, credential: acme}
  - {id: BIRCH, name: Birch, credential: birch}
  - {id: "C D@AdobeOrg", name: Cedar, credential: cedar}
  - {id: DUNE@AdobeOrg, name: "", sandboxes: [Prod], contacts: [marketing], credential: dune, expected_dataflows: -1}
  - {id: EMBER@AdobeOrg, name: Ember, sandboxes: [prod, prod], credential: the ember}
  - {id: FJORD@AdobeOrg, name: Fjord}
  - {id: GROVE@AdobeOrg, name: Grove, credential: grove, expected_dataflows: several}
`
)

func organizations(content string) []file {
	return []file{{path: "organizations.yaml", content: content}}
}

// withPlaybook has a playbook of these lines beside the manifest.
func withPlaybook(lines string) []file {
	return append(organizations("playbook: own.yaml\n"+onlyAcme), file{path: "own.yaml", content: lines})
}

const goodPlaybook = `name: own
title: Own
cards:
  old: {names: [Old]}
  new: {names: [New]}
`

// More lines of a playbook, from its sixth on.
const (
	goodDates    = "dates: {available: 2023-11-16, reauthenticate_by: 2023-12-15, shutdown: 2024-01-18}\n"
	wrongDates   = "dates: {available: 2023-11-16, reauthenticate_by: 2024-02-15, shutdown: 2024-01-18}\n"
	wrongChoices = "approval: manager\ncut_over: {order: both, width: 0}\ndrift: {mapping: guess}\n"
	noDurations  = "reauthentication:\n  lease: 30\n  poll: often\n"
)

// starterRows are what is wrong before Temporal is asked: flags, the manifest, the playbook.
func starterRows() []row {
	return []row{
		// Flags
		{name: "unknown command", command: "starter begin", code: usage, says: []string{`unknown argument "begin"`, "starter --help"}},
		{
			name: "unknown flag", command: "starter status --organization ACME@AdobeOrg", code: usage,
			says: []string{"--organization", "starter status --help"},
		},
		{
			name: "superfluous argument", command: "starter status ACME@AdobeOrg", code: usage,
			says: []string{`unknown argument "ACME@AdobeOrg"`, "starter status --help"},
		},
		{
			name: "flag without its value", command: "starter status --org", code: usage,
			says: []string{"needs an argument: --org", "starter status --help"},
		},
		{name: "unknown format", command: "starter status -o xml", code: usage, says: []string{`flag --output is "xml"`, "use table or json or csv"}},
		{
			name: "csv where there is no list", command: "starter plan --org ACME@AdobeOrg -o csv", code: usage,
			says: []string{`flag --output is "csv"`, "use table or json or markdown"},
		},
		{
			name: "markdown where there is no plan", command: "starter report -o markdown", code: usage,
			says: []string{`flag --output is "markdown"`, "use table or json or html or csv"},
		},
		{
			name: "report into no file", command: "starter report --out=", code: usage,
			says: []string{"flag --out is missing", "--out progress.html"},
		},
		{name: "start of nothing", files: organizations(goodManifest), command: "starter start", code: usage, says: []string{"--org ID", "--all"}},
		{
			name: "start of one and all", files: organizations(goodManifest), command: "starter start --all --org ACME@AdobeOrg", code: usage,
			says: []string{"either --org ID or --all"},
		},
		{name: "signal of nothing", command: "starter signal", code: usage, says: []string{"say what happened", "starter signal --help"}},
		{
			name: "signal of something else", command: "starter signal signed-in", code: usage,
			says: []string{`unknown argument "signed-in"`, "starter signal --help"},
		},
		{
			name: "signal without account", command: "starter signal reauth-completed --org ACME@AdobeOrg --by ops", code: usage,
			says: []string{"flag --account is missing", "starter status --org ID lists it"},
		},
		{name: "decision of nobody", command: "starter resume --org ACME@AdobeOrg", code: usage, says: []string{"flag --by is missing", "who acts"}},
		{
			name: "pause without reason", command: "starter pause --org ACME@AdobeOrg --by ops", code: usage,
			says: []string{"flag --reason is missing"},
		},
		{
			name: "approval of no plan", command: "starter approve --org ACME@AdobeOrg --by ops", code: usage,
			says: []string{"flag --plan is missing", "starter plan --org ID prints"},
		},
		{
			name: "settling of nothing", command: "starter settle --org ACME@AdobeOrg --by ops --answer carry", code: usage,
			says: []string{"flag --old is missing", "starter plan --org ID prints it"},
		},
		{
			name: "settling without an answer", command: "starter settle --org ACME@AdobeOrg --by ops --old a", code: usage,
			says: []string{"flag --answer is missing", "carry or accept"},
		},
		{
			name: "settling with another answer", command: "starter settle --org ACME@AdobeOrg --by ops --old a --answer yes", code: usage,
			says: []string{`flag --answer is "yes"`, "use carry or accept"},
		},
		{
			name: "rollback without reason", command: "starter rollback --org ACME@AdobeOrg --by ops", code: usage,
			says: []string{"flag --reason is missing"},
		},
		{
			name: "rollback by nobody", command: "starter rollback --org ACME@AdobeOrg --reason fair", code: usage,
			says: []string{"flag --by is missing", "who acts"},
		},
		{
			name: "pair with one side", command: "starter pair --org ACME@AdobeOrg --by ops --old a", code: usage,
			says: []string{"flag --new is missing", "or none to leave it out"},
		},
		{
			name: "reschedule to nothing", command: "starter reschedule --org ACME@AdobeOrg --by ops --reason late", code: usage,
			says: []string{"give --reauthenticate-by INSTANT, --shutdown INSTANT or both"},
		},
		{
			name:    "reschedule to no instant",
			command: "starter reschedule --org ACME@AdobeOrg --by ops --reason late --shutdown tomorrow", code: usage,
			says: []string{`flag --shutdown is "tomorrow"`, "2024-01-19T08:00:00Z"},
		},
		{
			name: "cancel without a yes", command: "starter cancel --org ACME@AdobeOrg", code: usage,
			says: []string{"flag --yes is missing", "starter pause only holds it"},
		},

		// Which organization and which playbook
		{
			name: "unknown organization", files: organizations(goodManifest), command: "starter status --org NIMBUS@AdobeOrg", code: usage,
			says: []string{"flag --org", `"NIMBUS@AdobeOrg" is not in the manifest organizations.yaml`},
		},
		{
			name: "mistyped organization", files: organizations(goodManifest), command: "starter start --org ACNE@AdobeOrg", code: usage,
			says: []string{"flag --org", "did you mean ACME@AdobeOrg?"},
		},
		{
			name: "organization without @AdobeOrg", command: "starter status --org ACME --playbook pinterest-v5", code: usage,
			says: []string{`flag --org: "ACME"`, "1A2B3C4D5E6F@AdobeOrg"},
		},
		{name: "empty organization", command: "starter status --org= --playbook pinterest-v5", code: usage, says: []string{"flag --org is missing"}},
		{
			name: "playbook's name in wrong letters", command: "starter status --org ACME@AdobeOrg --playbook Pinterest_v5", code: usage,
			says: []string{`flag --playbook: "Pinterest_v5"`, "path ending in .yaml"},
		},
		{
			name: "unknown playbook by flag", files: organizations(goodManifest),
			command: "starter validate --playbook pinterest-v6", code: usage,
			says: []string{`flag --playbook: "pinterest-v6" is unknown`, "there is amazon-s3, pinterest-v5"},
		},
		{
			name: "missing playbook file by flag", files: organizations(goodManifest),
			command: "starter validate --playbook gone.yaml", code: usage,
			says: []string{"flag --playbook: no file at gone.yaml"},
		},

		// The manifest
		{
			name: "no manifest", command: "starter validate", code: usage,
			says: []string{"no manifest at organizations.yaml", "give --manifest FILE", "organizations.example.yaml"},
		},
		{
			name: "unreadable manifest", files: []file{{path: "organizations.yaml", mode: folder}}, command: "starter validate", code: usage,
			says: []string{"organizations.yaml is not a file", "give --manifest FILE"},
		},
		{
			name: "empty manifest", files: organizations("# to be written\n"), command: "starter start --all", code: usage,
			says: []string{"organizations.yaml: the file is empty", "organizations.example.yaml"},
		},
		{
			name: "manifest without organizations", files: organizations("playbook: pinterest-v5\norganizations: []\n"),
			command: "starter start --all", code: usage,
			says: []string{"organizations.yaml:2: organizations: is missing or empty"},
		},
		{
			name: "manifest without playbook", files: organizations(onlyAcme),
			command: "starter validate", code: usage,
			says: []string{"organizations.yaml:1: playbook: is missing", "pinterest-v5"},
		},
		{
			name: "manifest that is no YAML", files: organizations("playbook: pinterest-v5\norganizations:\n  - id: [\n"),
			command: "starter validate", code: usage,
			says: []string{"organizations.yaml:3: not valid YAML"},
		},
		{
			name: "manifest with two documents", files: organizations(goodManifest + "---\n" + goodManifest),
			command: "starter validate", code: usage,
			says: []string{"organizations.yaml", "more than one YAML document; keep one"},
		},
		{
			name: "manifest with a key twice", files: organizations("playbook: pinterest-v5\nplaybook: pinterest-v5\n" + onlyAcme),
			command: "starter validate", code: usage,
			says: []string{"organizations.yaml:2: playbook: is given twice, first on line 1"},
		},
		{
			name: "manifest with a secret", files: organizations(strings.ReplaceAll(goodManifest, "acme}", "p8e "+marker+"}")),
			command: "starter validate", code: usage,
			says: []string{"organizations.yaml:3: organizations[0].credential", "stands in credentials.yaml"},
		},
		{
			name: "unknown playbook", files: organizations("playbook: pinterest-v6\n" + onlyAcme),
			command: "starter start --all", code: usage,
			says: []string{`organizations.yaml:1: playbook: "pinterest-v6" is unknown`, "there is amazon-s3, pinterest-v5"},
		},
		{
			name: "missing playbook file", files: organizations("playbook: gone.yaml\n" + onlyAcme),
			command: "starter start --all", code: usage,
			says: []string{"organizations.yaml:1: playbook: no file at gone.yaml"},
		},
		{name: "everything at once", files: organizations(manyFaults), command: "starter validate", code: usage, says: []string{
			"organizations.yaml:2: field organisations is unknown here",
			"organizations.yaml:5: organizations[1].id: ACME@AdobeOrg stands at line 4 already",
			`organizations.yaml:6: organizations[2].id: "BIRCH" must end in @AdobeOrg`,
			`organizations.yaml:7: organizations[3].id: "C D@AdobeOrg" is not an IMS organization id such as`,
			"organizations.yaml:8: organizations[4].name: is missing",
			`organizations.yaml:8: organizations[4].sandboxes[0]: "Prod" is not a sandbox name: lower-case`,
			`organizations.yaml:8: organizations[4].contacts[0]: "marketing" is not a plain e-mail address`,
			"organizations.yaml:8: organizations[4].expected_dataflows: must not be negative; leave it out",
			`organizations.yaml:9: organizations[5].sandboxes[1]: "prod" is listed twice`,
			"organizations.yaml:9: organizations[5].credential: must be a name",
			"organizations.yaml:10: organizations[6].credential: is missing",
			"organizations.yaml:11: a whole number belongs here",
		}},

		// The playbook
		{
			name: "dates out of order", files: withPlaybook(goodPlaybook + wrongDates),
			command: "starter start --all", code: usage,
			says: []string{"own.yaml:6: dates: shutdown (2024-01-19T00:00:00Z) must be later than reauthenticate_by (2024-02-16T00:00:00Z)"},
		},
		{name: "no dates", files: withPlaybook(goodPlaybook + "dates: {available: Thursday}\n"), command: "starter validate", code: usage, says: []string{
			`own.yaml:6: dates.available: "Thursday" is not a day (2023-12-15)`, "dates.reauthenticate_by", "dates.shutdown",
		}},
		{
			name: "unknown zone", files: withPlaybook(goodPlaybook + goodDates + "zone: Pacific\n"), command: "starter validate", code: usage,
			says: []string{`own.yaml:7: zone: "Pacific" is not a zone such as America/Los_Angeles`},
		},
		{
			name: "reminders that rise", files: withPlaybook(goodPlaybook + goodDates + "reminders: {before_shutdown: [1d, 7d]}\n"),
			command: "starter validate", code: usage,
			says: []string{"own.yaml:7: reminders.before_shutdown[1]: 7d must be shorter than the one before it (1d)"},
		},
		{name: "wrong choices", files: withPlaybook(goodPlaybook + goodDates + wrongChoices), command: "starter validate", code: usage, says: []string{
			`own.yaml:7: approval: "manager" is unknown; use none, operator or two-persons`,
			`own.yaml:8: cut_over.order: "both" is unknown; use enable-first or disable-first`,
			"own.yaml:8: cut_over.width: must be from 1 to 50",
			`own.yaml:9: drift.mapping: "guess" is unknown here; use one of [ask block ignore]`,
		}},
		{
			name: "one card for both", files: withPlaybook(strings.ReplaceAll(goodPlaybook, "New", "Old") + goodDates), command: "starter validate", code: usage,
			says: []string{`own.yaml:5: cards.new.names: "Old" is a name of the old card too`},
		},
		{name: "durations without unit", files: withPlaybook(goodPlaybook + goodDates + noDurations), command: "starter validate", code: usage, says: []string{
			"own.yaml:8: a duration such as", "own.yaml:9: a duration such as",
		}},

		// Temporal's own configuration
		{
			name: "Temporal's configuration unreadable", env: []string{"TEMPORAL_CONFIG_FILE=temporal.toml"},
			files:   append(organizations(goodManifest), file{path: "temporal.toml", content: "address: here"}),
			command: "starter status", code: usage,
			says: []string{"TEMPORAL_* or temporal.toml"},
		},
		{
			name: "unknown profile of Temporal", files: organizations(goodManifest), env: []string{"TEMPORAL_PROFILE=elsewhere"},
			command: "starter status", code: usage,
			says: []string{"TEMPORAL_* or temporal.toml", "elsewhere"},
		},
	}
}
