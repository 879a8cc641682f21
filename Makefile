# mailfs: `make demo` to see it, `make test` to trust it.
GO      ?= go
PREFIX  ?= /usr/local
FUZZTIME ?= 20s
ARGS    ?=

.PHONY: build test test-programs stories sim sim-mounts sim-mutants check bench bench-peers fuzz spec demo install clean

build:            ## bin/mailfs
	$(GO) build -o bin/mailfs ./cmd/mailfs

test:             ## every test
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

test-programs:    ## installs real programs (editors, rsync, git, LibreOffice, indexers, ...) with apt and runs them at mounts
	scripts/programs.sh
	$(GO) test -tags programs -count=1 -timeout 30m -run '^TestPrograms' ./internal/scenario

stories:          ## the long stories with real mounts alone; SEED=n plays another one
	SEED=$(SEED) $(GO) test -count=1 -v ./internal/scenario

sim:              ## N random histories of several clients from FROM on; SEED=n repeats one and shows its course; HARD=1: the server always goes back
	N=$(or $(N),1000) FROM=$(or $(FROM),1) SEED=$(SEED) HARD=$(HARD) $(GO) test -count=1 -timeout 0 -v -run TestHistories ./internal/scenario/sim

sim-mounts:       ## the same through real mounts, which take no course twice
	N=$(or $(N),200) FROM=$(or $(FROM),1) SEED=$(SEED) $(GO) test -count=1 -timeout 0 -v -run TestMountedHistories ./internal/scenario/sim

sim-mutants:      ## plants one bug after the other; N histories (or fewer) have to show each; MUTANT=n plants one
	N=$(or $(N),2000) MUTANT=$(MUTANT) $(GO) test -tags mutants -count=1 -timeout 0 -v -run TestMutants ./internal/scenario/sim

check:            ## format, vet, staticcheck, macOS build
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags programs ./internal/scenario
	$(GO) tool staticcheck ./...
	$(GO) tool staticcheck -tags programs ./internal/scenario
	GOOS=darwin $(GO) build ./...

bench:            ## benchmarks of every room
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-peers: build ## side by side with mbsync and Dovecot, and with a static file system
	scripts/bench-peers.sh

fuzz:             ## every fuzz target for FUZZTIME
	scripts/fuzz.sh $(FUZZTIME)

spec:             ## checks citations, writes docs/conformance.md
	$(GO) run ./internal/spec

demo:             ## installs what FUSE needs, builds, mounts a sample mailbox
	@scripts/fuse.sh
	@$(GO) build -o bin/mailfs ./cmd/mailfs
	@bin/mailfs demo $(ARGS)

install: build    ## to $(PREFIX)/bin
	install -D -m 0755 bin/mailfs $(DESTDIR)$(PREFIX)/bin/mailfs

clean:
	rm -rf bin
