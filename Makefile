# Every target begins with what it needs; nothing is done twice.
.DEFAULT_GOAL := help
.PHONY: help preflight install build doctor setup up down status clean demo test soak verify
MLFORGE := node dist/cli/main.js

help: ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

preflight:
	@sh scripts/preflight.sh

install: preflight
	@sh scripts/install.sh

build: install ## compile what has changed
	@sh scripts/build.sh

doctor: build ## name everything that is missing
	@$(MLFORGE) doctor

setup: build
	@[ ! -e .git ] || git config core.hooksPath .githooks
	@$(MLFORGE) doctor --quiet
	@$(MLFORGE) engines install
	@$(MLFORGE) servers install

up: setup ## start the stack of this directory
	@$(MLFORGE) up

down: build ## stop it; data stay
	@$(MLFORGE) down

status: build ## show its processes
	@$(MLFORGE) status

clean: build ## stop it and remove its data
	@$(MLFORGE) clean

demo: up ## run the main job on real data
	@node --enable-source-maps dist/examples/bike-sharing/demo.js

test: setup ## run all tests (make test ARGS="test/config")
	@$(MLFORGE) servers install --tests
	@bash scripts/test.sh $(ARGS)

soak: setup ## run a long suite (make soak SUITE=kill, make soak SUITE=pipelines SEEDS=100, make soak SUITE=data SEEDS=50, SUITE=history SEEDS=3, SUITE=memory)
	@node --enable-source-maps dist/bench/soak.js $(SUITE) $(if $(SEEDS),SEEDS=$(SEEDS))

verify: install ## format, types, lint, unused code
	@npm run --silent verify
