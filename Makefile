# Everything one does with this tree. GNU make 4, git and Go are all that `make demo` and `make test` need.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Binaries land here and nowhere else, so that `make clean` is one removal and PATH stays the reader's own.
BIN := .bin
# The Temporal development server behind the demo, the tests and the budget: absolute, because tests run in their own folders.
export CUTOVER_TEMPORAL_CLI := $(CURDIR)/$(BIN)/temporal
# Go leaves cgo off where no C compiler stands, and the race detector needs cgo: without one the same tests run plainly.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
# One stuck test fails with its goroutines printed, rather than the whole run being killed without a word.
TEST_TIMEOUT := 9m
# Each end-to-end package starts a Temporal server of its own: two at once starve one another on a small machine. Never from the cache: they build and
# start programs, whose sources the cache does not know.
END_TO_END := -p 1 -count=1
# The image's tag and label; the binaries take theirs from the commit by themselves.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The modules of this tree: the product, and one for each pinned tool, so that tools never decide the product's versions.
MODULES := . tools/compose tools/lint tools/server tools/temporal tools/workflowcheck

# A browser is much to ask of a person's own machine: without one its tests are left out, and that is said. CI must have one.
BROWSER = $(or $(CUTOVER_CHROMIUM),$(shell command -v chromium || command -v chromium-browser || command -v google-chrome),$(filter true,$(CI)))

# So is PostgreSQL, which the store is tested on besides SQLite.
POSTGRES = $(or $(CUTOVER_POSTGRES),$(shell command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -1),$(filter true,$(CI)))

# The Temporal server as an operator runs it, which takes minutes to build: `make tools-production`. Its tests need PostgreSQL, too.
PRODUCTION = $(and $(wildcard $(BIN)/temporal-server),$(wildcard $(BIN)/temporal-sql-tool),$(POSTGRES))
TEST_ON_PRODUCTION := CUTOVER_TEST_PRODUCTION=1 go test $(END_TO_END) -timeout $(TEST_TIMEOUT) -run '^Test(NothingIsLost|KillSwitch)$$/^production$$'

# Packages that start no server of their own; evaluated when used, so that `make help` stays instant.
QUICK = $$(go list ./... | grep -v '^cutover/test/')

# How long `make fuzz` gives each target. Minimizing what is merely interesting would take up to a minute each time, so that it gets a second.
FUZZTIME := 1m
# The folders whose fuzz targets build quickly with the fuzzer's instrumentation: `make check` runs these for a moment, and the seeds of all (in `race`).
FUZZED_BRIEFLY := ./internal/yamlfile ./internal/migration ./internal/adobe ./internal/pinterest ./internal/vendorhttp ./internal/words
FUZZED = $$(grep -rl --include=fuzz_test.go '^func Fuzz' . | xargs -n 1 dirname | sort)
fuzz_each = for dir in $(1); do listed=$$(go test -list "^Fuzz" "$$dir"); for target in $$(echo "$$listed" | grep "^Fuzz"); do \
	echo "fuzz $$dir $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(2) -fuzzminimizetime 1s "$$dir"; done; done

.PHONY: help
help: ## list what make can do here
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

## Running

.PHONY: demo
demo: $(BIN)/temporal ## migrate two dozen organizations in about a minute, then check every invariant
	go run ./test/demo

.PHONY: dev
dev: $(BIN)/temporal ## the demo, staying up for clicking until Ctrl-C
	go run ./test/demo --stay

.PHONY: budget
budget: $(BIN)/temporal ## measure the performance bars and fail on one that does not hold
	go run ./test/budget

.PHONY: size
size: $(BIN)/temporal ## migrate one organization of 500 dataflows and check that it stays within the server's limits (a few minutes)
	go run ./test/size

.PHONY: chaos
chaos: $(BIN)/temporal ## migrate hundreds of organizations under kills and faults, then check every invariant (about ten minutes; CHAOS_ORGS sets how many)
	go run ./test/chaos

.PHONY: bench
bench: $(BIN)/temporal ## measure every bar beside bare Temporal and a program without durability (about half an hour on an idle machine)
	go run ./test/bench

## Proving

.PHONY: test
test: $(BIN)/temporal ## everything that proves the behaviour (without Chromium, PostgreSQL or the server of production their tests are left out, and that is said)
	go test $(RACE) -timeout $(TEST_TIMEOUT) $(QUICK)
	go test -timeout $(TEST_TIMEOUT) -run '^TestGeneratedHistories$$' ./workflows # all two thousand: under the race detector it is a part
	go test $(END_TO_END) -timeout $(TEST_TIMEOUT) $$(go list ./test/... | grep -v '^cutover/test/webui$$')
	$(if $(POSTGRES),go run ./test/postgres go test $(END_TO_END) $(RACE) -timeout $(TEST_TIMEOUT) -run "^Test.*/PostgreSQL$$" ./internal/store ./test/leak,@echo 'no PostgreSQL in PATH or /usr/lib/postgresql: the store was tested on SQLite alone')
	$(if $(PRODUCTION),$(TEST_ON_PRODUCTION) ./test/stack,@echo 'no .bin/temporal-server or no PostgreSQL: nothing was tested on the server of production (make test-production)')
	$(if $(BROWSER),go test $(END_TO_END) -timeout $(TEST_TIMEOUT) ./test/webui,@echo 'no Chromium in PATH or CUTOVER_CHROMIUM: the browser tests (test/webui) were left out')

.PHONY: test-production
test-production: $(BIN)/temporal tools-production ## kills and the kill switch on the Temporal server of production, with PostgreSQL
	@test -n '$(POSTGRES)' || { echo 'no PostgreSQL in PATH or /usr/lib/postgresql: run apt-get install postgresql (or the like)' >&2; exit 1; }
	$(TEST_ON_PRODUCTION) ./test/stack ./test/e2e

.PHONY: check
check: fmt-check vet lint workflowcheck race replay fuzz-briefly tidy-diff compose-check ## everything a change must pass besides `make test`

.PHONY: race
race: $(BIN)/temporal ## the quick packages under the race detector
	@test -n "$(RACE)" || echo 'no C compiler, so no race detector: the same tests run plainly'
	go test $(RACE) -timeout $(TEST_TIMEOUT) $(QUICK)

.PHONY: replay
replay: ## recorded histories against today's workflow code
	@go test -list '^TestReplay' ./workflows/... | grep -q '^TestReplay' || { echo 'no TestReplay under workflows/: recorded histories prove nothing' >&2; exit 1; }
	go test -run '^TestReplay' ./workflows/...

.PHONY: fuzz
fuzz: ## throw generated input at every parser for FUZZTIME each (1m); what fails is kept under testdata/fuzz, to be mended and committed
	@$(call fuzz_each,$(FUZZED),$(FUZZTIME))

.PHONY: fuzz-briefly
fuzz-briefly: ## the same for two thousand inputs each where it builds quickly
	@$(call fuzz_each,$(FUZZED_BRIEFLY),2000x) # counted: a fuzzer whose time ends in the middle of an input may report that as a failure

.PHONY: vet
vet: ## go vet, in every module with code of ours
	go vet ./...
	cd tools/compose && go vet ./...

.PHONY: lint
lint: $(BIN)/golangci-lint ## the linter, which also holds the walls between the folders
	$(BIN)/golangci-lint run ./...
	cd tools/compose && ../../$(BIN)/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code
	$(BIN)/golangci-lint fmt

.PHONY: fmt-check
fmt-check: $(BIN)/golangci-lint ## show what `make fmt` would change, and fail on anything
	$(BIN)/golangci-lint fmt --diff

.PHONY: workflowcheck
workflowcheck: $(BIN)/workflowcheck ## find what is not deterministic in workflow code
	$(BIN)/workflowcheck ./workflows/...

.PHONY: tidy-diff
tidy-diff: ## fail when `go mod tidy` would change a module
	@for module in $(MODULES); do echo "go mod tidy -diff in $$module"; (cd "$$module" && go mod tidy -diff); done

.PHONY: compose-check
compose-check: ## read docker-compose.yml as strictly as an engine would, and by our own rules
	cd tools/compose && go test ./...
	go run ./starter search-attributes | (cd tools/compose && go run . -file ../../docker-compose.yml)

## Building

.PHONY: build
build: ## worker, starter, portal and emulator into .bin
	CGO_ENABLED=0 go build -trimpath -o $(BIN)/ ./worker ./starter ./portal ./emulator

.PHONY: image
image: ## one container image with the four binaries (needs Docker)
	docker build --build-arg VERSION=$(VERSION) --tag cutover:$(VERSION) --tag cutover:dev .

.PHONY: tools
tools: $(BIN)/temporal $(BIN)/golangci-lint $(BIN)/workflowcheck ## build the pinned tools (a few minutes, once)

# A tool is built when it is missing or its module changed; touch, because go leaves an unchanged binary's time alone.
$(BIN)/temporal: tools/temporal/go.mod tools/temporal/go.sum
	cd tools/temporal && go build -o ../../$@ github.com/temporalio/cli/cmd/temporal
	@touch $@

$(BIN)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && go build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BIN)/workflowcheck: tools/workflowcheck/go.mod tools/workflowcheck/go.sum
	cd tools/workflowcheck && go build -o ../../$@ go.temporal.io/sdk/contrib/tools/workflowcheck
	@touch $@

.PHONY: tools-production
tools-production: $(BIN)/temporal-server $(BIN)/temporal-sql-tool ## build the Temporal server of production and its SQL tool (ten minutes from empty caches, once)

$(BIN)/temporal-server: tools/server/go.mod tools/server/go.sum
	cd tools/server && go build -o ../../$@ go.temporal.io/server/cmd/server
	@touch $@

$(BIN)/temporal-sql-tool: tools/server/go.mod tools/server/go.sum
	cd tools/server && go build -o ../../$@ go.temporal.io/server/cmd/tools/sql
	@touch $@

.PHONY: clean
clean: ## remove what was built; caches of Go stay
	rm -rf $(BIN)
