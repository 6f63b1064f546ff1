package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sound holds every rule; each case below breaks one.
const sound = `
services:
  database:
    image: postgres:16.15-bookworm
    restart: unless-stopped
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment: { POSTGRES_PASSWORD_FILE: /run/secrets/password }
    healthcheck: { test: [CMD, pg_isready] }
    secrets: [password]
    volumes: ["./mounted:/data:ro"]
    ports: ["127.0.0.1:5432:5432"]
    deploy: { resources: { limits: { memory: 1G } } }
  setup:
    build: .
    image: setup:dev
    restart: on-failure:5
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    depends_on: { database: { condition: service_healthy } }
    deploy: { resources: { limits: { memory: 64M } } }
  rehearsal:
    image: example/rehearsal:v1.2
    profiles: [rehearsal]
    restart: "no"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    depends_on: { setup: { condition: service_completed_successfully } }
    deploy: { resources: { limits: { memory: 64M } } }
configs:
  text: { content: "a: b" }
secrets:
  password: { file: ./password }
`

// write puts a compose file with its neighbours into a folder of its own and returns the file's path.
func write(t *testing.T, compose string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "mounted"), 0o755))
	for name, text := range map[string]string{
		"password.example": "x", "attributes": "Phase=Keyword\nDeadline=Datetime\n", "docker-compose.yml": "name: test\n" + compose,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	return filepath.Join(folder, "docker-compose.yml")
}

func runOn(t *testing.T, file, stdin string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems strings.Builder
	code = run(t.Context(), []string{"-file", file, "-attributes", "attributes"}, strings.NewReader(stdin), &out, &problems)
	return code, out.String(), problems.String()
}

const used = "Deadline=Datetime\nPhase=Keyword\n"

func TestASoundFileHoldsEveryRule(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := runOn(t, write(t, sound), used)
	require.Empty(t, stderr)
	require.Zero(t, code)
	require.Contains(t, stdout, "3 services hold every rule")
}

func TestEachRuleFindsItsBreach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, finding string }{
		"latest":                {"postgres:16.15-bookworm", "postgres:latest", `service database: image "postgres:latest" is not pinned to a version`},
		"no tag":                {"postgres:16.15-bookworm", "registry.example:5000/postgres", "is not pinned to a version"},
		"a moving tag":          {"postgres:16.15-bookworm", "postgres:16", "is not pinned to a version"},
		"a hidden profile":      {"example/rehearsal:v1.2", "example/rehearsal", "service rehearsal: image"},
		"every address":         {"127.0.0.1:5432:5432", "5432:5432", `port 5432 is published on "every address", not on 127.0.0.1`},
		"another address":       {"127.0.0.1:5432:5432", "10.0.0.1:5432:5432", `port 5432 is published on "10.0.0.1"`},
		"no health check":       {"healthcheck: { test: [CMD, pg_isready] }", "", "service database: stays up without a health check"},
		"disabled health check": {"healthcheck: { test: [CMD, pg_isready] }", "healthcheck: { disable: true }", "stays up without a health check"},
		"no restart":            {"restart: unless-stopped", "", "restart is not given"},
		"short depends_on":      {"depends_on: { database: { condition: service_healthy } }", "depends_on: [database]", "waits for database to be service_started, must be service_healthy"},
		"started is not done":   {"setup: { condition: service_completed_successfully }", "setup: { condition: service_healthy }", "waits for setup to be service_healthy, must be service_completed_successfully"},
		"capabilities":          {"cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop must hold ALL"},
		"privileges":            {`security_opt: ["no-new-privileges:true"]`, "", "security_opt must hold no-new-privileges:true"},
		"privileged":            {"restart: unless-stopped", "restart: unless-stopped\n    privileged: true", "is privileged"},
		"writable":              {"read_only: true", "", "read_only must be true"},
		"config in read-only":   {"restart: unless-stopped", "restart: unless-stopped\n    configs: [text]", "an engine has to write a config into it"},
		"no limit":              {"deploy: { resources: { limits: { memory: 1G } } }", "", "has no memory limit"},
		"secret from outside":   {"password: { file: ./password }", "password: { environment: PASSWORD }", "secret password is not a file"},
		"secret, no example":    {"password: { file: ./password }", "password: { file: ./other }", "secret password: no example at"},
		"secret in clear":       {"POSTGRES_PASSWORD_FILE: /run/secrets/password", "POSTGRES_PASSWORD: hunter2", "environment holds POSTGRES_PASSWORD: give it as a file"},
		"missing mount":         {"./mounted:/data:ro", "./absent:/data:ro", "which is not there"},
		"writable mount":        {"./mounted:/data:ro", "./mounted:/data", "mount it read-only"},
		"unknown key":           {"restart: unless-stopped", "restart: unless-stopped\n    restrat: always", "restrat"},
		"undefined secret":      {"secrets: [password]", "secrets: [passwd]", "undefined secret passwd"},
		"undefined service":     {"depends_on: { database:", "depends_on: { databas:", "databas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, sound, c.from)
			code, stdout, stderr := runOn(t, write(t, strings.Replace(sound, c.from, c.to, 1)), used)
			require.Equal(t, 1, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.finding)
			require.NotContains(t, stderr, "hunter2")
		})
	}
}

func TestSearchAttributesAreCompared(t *testing.T) {
	t.Parallel()
	file := write(t, sound)
	for name, c := range map[string]struct{ stdin, finding string }{
		"missing":   {used + "Open=Int\n", "search attribute Open=Int is used by the product but not created by the stack"},
		"left over": {"Phase=Keyword\n", "search attribute Deadline=Datetime is created by the stack but not used by the product"},
		"type":      {"Deadline=Datetime\nPhase=Text\n", "search attribute Phase is created as Keyword but used as Text"},
		"nothing":   {"\n", "standard input holds no search attribute"},
		"malformed": {"Phase\n", `"Phase" is not of the form Name=Type`},
		"twice":     {used + used, "Deadline stands there twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := runOn(t, file, c.stdin)
			require.Equal(t, 1, code)
			require.Contains(t, stderr, c.finding)
		})
	}
}

func TestWrongUsageIsSaid(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"unknown flag": {"-fiel", "x"}, "argument": {"x"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stderr strings.Builder
			require.Equal(t, 2, run(t.Context(), args, strings.NewReader(used), &strings.Builder{}, &stderr))
			require.NotEmpty(t, stderr.String())
		})
	}
}

// The tree's own file, by the rules above; the search attributes are compared by make, which has the product at hand.
func TestTheStackHoldsEveryRule(t *testing.T) {
	t.Parallel()
	project, err := load(t.Context(), filepath.Join("..", "..", "docker-compose.yml"))
	require.NoError(t, err)
	require.Contains(t, project.ServiceNames(), "rehearsal")
	require.Empty(t, check(project))
}
