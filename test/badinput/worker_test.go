package badinput_test

import "io/fs"

// A worker's credentials: the file, and a secret that only its owner can read.
const goodCredentials = `acme:
  organization: ACME@AdobeOrg
  client_id: client-acme
  client_secret: {file: acme.secret}
`

// badCredentials has a fault on nearly every line.
const badCredentials = `acme:
  organization: ACME
  client_id: c
  client_secret: {file: acme.secret}
  secret: ` + marker + `
birch:
  client_id: c
  client_secret: {file: acme.secret, env: BIRCH}
`

func credentials(content string) []file {
	return []file{{path: "credentials.yaml", content: content}, {path: "acme.secret", content: marker + "-of-acme\n"}}
}

// open has good credentials and a secret, with these modes.
func open(credentials, secret fs.FileMode, content string) []file {
	return []file{{path: "credentials.yaml", content: goodCredentials, mode: credentials}, {path: "acme.secret", content: content, mode: secret}}
}

// workerRows are what keeps a worker from starting. It says so and ends, since starting again would not help.
func workerRows() []row {
	return []row{
		{name: "worker: unknown argument", command: "worker run", code: usage, says: []string{`unknown argument "run"`, "worker --help"}},
		{name: "worker: unknown flag", command: "worker --credentials x", code: usage, says: []string{"--credentials", "worker --help"}},

		// Credentials
		{
			name: "worker: no credentials file", command: "worker", code: usage,
			says: []string{"CUTOVER_CREDENTIALS: no file at credentials.yaml", "credentials.example.yaml"},
		},
		{
			name: "worker: credentials unreadable", files: []file{{path: "credentials.yaml", mode: folder}}, command: "worker", code: usage,
			says: []string{"CUTOVER_CREDENTIALS: credentials.yaml is not a file"},
		},
		{
			name: "worker: credentials for all to read", files: open(0o644, 0o600, marker),
			command: "worker", code: usage,
			says: []string{"CUTOVER_CREDENTIALS: credentials.yaml can be read by others (mode 0644)", "chmod 600 credentials.yaml"},
		},
		{
			name: "worker: credentials for the group to read", files: open(0o640, 0o600, marker),
			command: "worker", code: usage,
			says: []string{"(mode 0640)", "chmod 600 credentials.yaml"},
		},
		{
			name: "worker: credentials empty", files: credentials("\n"), command: "worker", code: usage,
			says: []string{"credentials.yaml: the file is empty"},
		},
		{
			name: "worker: credentials that are no YAML", files: credentials("acme: {client_secret: \"" + marker + "\n"),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:", "not valid YAML"},
		},
		{
			name: "worker: secret for all to read", files: open(0o600, 0o644, marker),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:4: acme.client_secret: acme.secret can be read by others", "chmod 600 acme.secret"},
		},
		{
			name: "worker: secret missing", files: []file{{path: "credentials.yaml", content: goodCredentials}},
			command: "worker", code: usage,
			says: []string{"credentials.yaml:4: acme.client_secret: no file at acme.secret"},
		},
		{
			name: "worker: secret empty", files: open(0o600, 0o600, ""),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:4: acme.client_secret", "acme.secret is empty"},
		},
		{
			name: "worker: secret of two lines", files: open(0o600, 0o600, marker+"\n"+marker+"\n"),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:4: acme.client_secret: acme.secret holds more than one line"},
		},
		{
			name: "worker: secret's variable unset", files: credentials("acme: {organization: ACME@AdobeOrg, client_id: c, client_secret: {env: ACME_SECRET}}\n"),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:1: acme.client_secret", "environment variable ACME_SECRET is empty or not set"},
		},
		{
			name: "worker: secret written in place", files: credentials("acme: {organization: ACME@AdobeOrg, client_id: c, client_secret: " + marker + "}\n"),
			command: "worker", code: usage,
			says: []string{"credentials.yaml:1: acme.client_secret: is written in place", "give {file: PATH} or {env: NAME}"},
		},
		{name: "worker: everything wrong with credentials at once", files: credentials(badCredentials), command: "worker", code: usage, says: []string{
			"credentials.yaml:2: acme.organization: is not an IMS organization id such as 1A2B3C4D5E6F@AdobeOrg",
			"credentials.yaml:5: field secret is unknown here",
			"birch.organization: is missing",
			`credentials.yaml:7: birch.client_id: is that of credential "acme" too`,
			"credentials.yaml:8: birch.client_secret: has both file and env",
		}},

		// The environment
		{
			name: "worker: everything wrong with the environment at once", files: credentials(goodCredentials), command: "worker", code: usage,
			env: []string{
				"CUTOVER_ADOBE_IMS_URL=https://operator:" + marker + "@ims.example", "CUTOVER_ADOBE_URL=http://platform.example", "CUTOVER_PINTEREST_URL=api.pinterest.com",
				"CUTOVER_ALLOW_PLAIN_HTTP=yes", "CUTOVER_ADOBE_RPS=fast", "CUTOVER_HEALTH_ADDRESS=8081", "CUTOVER_LOG_FORMAT=xml", "CUTOVER_LOG_LEVEL=loud",
			},
			says: []string{
				"CUTOVER_ADOBE_IMS_URL must not hold a user or a password", "CUTOVER_ADOBE_URL must use https", "CUTOVER_PINTEREST_URL must be an absolute URL such as",
				"CUTOVER_ALLOW_PLAIN_HTTP must be 1 or 0", `CUTOVER_ADOBE_RPS is "fast"; it must be a number above 0`, `CUTOVER_HEALTH_ADDRESS is "8081"; it must be HOST:PORT`,
				`CUTOVER_LOG_FORMAT is "xml"; it must be json or console`, `CUTOVER_LOG_LEVEL is "loud"; it must be debug, info, warn or error`,
			},
		},
		{
			name: "worker: environment and credentials wrong together", env: []string{"CUTOVER_ADOBE_RPS=-1"}, command: "worker", code: usage,
			says: []string{"CUTOVER_ADOBE_RPS", "CUTOVER_CREDENTIALS: no file at credentials.yaml"},
		},
		{
			name: "worker: notices into a file", files: append(credentials(goodCredentials), file{path: "mail", content: "x"}), env: []string{"CUTOVER_NOTICES=mail"},
			command: "worker", code: usage,
			says: []string{"CUTOVER_NOTICES", "mail is not a directory"},
		},
		{
			name: "worker: reports below a file", files: append(credentials(goodCredentials), file{path: "mail", content: "x"}), env: []string{"CUTOVER_REPORTS=mail/reports"},
			command: "worker", code: usage,
			says: []string{"CUTOVER_REPORTS", "mail is not a directory"},
		},
		{
			name: "worker: Temporal's certificate without key", files: credentials(goodCredentials), env: []string{"TEMPORAL_TLS_CLIENT_CERT_PATH=gone.pem"},
			command: "worker", code: usage,
			says: []string{"TEMPORAL_*", "key"},
		},
		{
			name: "worker health: nobody there", env: []string{"CUTOVER_HEALTH_ADDRESS=127.0.0.1:1"}, command: "worker health", code: failed,
			says: []string{"no worker answers", "CUTOVER_HEALTH_ADDRESS"},
		},
		{
			name: "worker health: no address", env: []string{"CUTOVER_HEALTH_ADDRESS=here"}, command: "worker health", code: usage,
			says: []string{"CUTOVER_HEALTH_ADDRESS", "HOST:PORT"},
		},
	}
}
