# Short ways to what .ci/test runs in one go.

build:
	CGO_ENABLED=0 go build -trimpath -o symbolon ./cmd/symbolon

test:
	go test ./...
	cd test && go test ./...

lint:
	SKIP="unit race fuzz clients bench" sh .ci/test

race:
	SKIP="lint unit fuzz clients bench" sh .ci/test

fuzz:
	sh .ci/fuzz 60s

# The table of the performance goals, from one run: about eleven minutes, and 10 GB of disk for the ten million families.
bench:
	cd bench && go run . -families 10000000

benchmarks:
	go test -run '^$$' -bench . -benchmem ./...

# Needs the network's vulnerability database.
vulnerabilities:
	go tool -modfile=tools/go.mod govulncheck ./...

.PHONY: build test lint race fuzz bench benchmarks vulnerabilities
