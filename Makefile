# segfuse. `make run` shows the method at work, `make test` tests everything, `make help` lists the rest.

CC      ?= cc
CXX     ?= c++
CFLAGS  ?= -O3
STRICT   = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
FLAGS    = -std=c99 $(STRICT) $(CFLAGS)
LDLIBS   = -lm -pthread
VERSION := $(shell sed -n 's/^\#define SGF_VERSION "\(.*\)"/\1/p' segfuse.h)
SONAME   = libsegfuse.so.$(firstword $(subst ., ,$(VERSION)))

PROGRAM  = $(wildcard examples/segfuse/*.c examples/segfuse/*/*.c)
SOURCES  = segfuse.h $(PROGRAM) $(wildcard examples/segfuse/*/*.h)
TRAINER  = $(wildcard examples/train/*.c examples/train/*.h)
EXAMPLES = fuse mask verify
METHODS  = origin,per_prompt,avg,max,flex_attention,fused,fused_agreement

.PHONY: all run models lib web install dist clean help
all: build/segfuse build/segfuse-train $(EXAMPLES:%=build/%)

help: # the targets of this file, then those of tests/checks.mk
	@sed -n 's/^## /    /p' Makefile; echo; sed -n 's/^## /    /p; s/^### //p' tests/checks.mk

## run          answer the bundled questions with the bundled model, by every method
run: build/segfuse
	./build/segfuse generate --method $(METHODS) --dataset myriadlama --output results/myriadlama/segfuse-2m

## all          the program, the trainer and the examples, in build/
build:
	@mkdir -p build
build/%.o: %.c segfuse.h | build
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c $< -o $@
build/segfuse.o: segfuse.h | build
	$(CC) $(FLAGS) -DSEGFUSE_IMPLEMENTATION -x c -c $< -o $@
build/segfuse: build/segfuse.o $(PROGRAM:%.c=build/%.o)
	$(CC) $(CFLAGS) $^ -o $@ $(LDLIBS)
-include $(PROGRAM:%.c=build/%.d)
# No contraction of a * b + c: the weights that a seed gives must not depend on the compiler.
build/segfuse-train: $(SOURCES) $(TRAINER) | build
	$(CC) $(FLAGS) -I. -ffp-contract=off examples/train/main.c -o $@ $(LDLIBS)
$(EXAMPLES:%=build/%): build/%: examples/%.c segfuse.h | build
	$(CC) $(FLAGS) -I. $< -o $@ $(LDLIBS)

## models       make the bundled questions and train the bundled model from models/facts (less than an hour)
models: build/segfuse-train build/segfuse
	./build/segfuse-train questions --facts models/facts --output models/questions
	./build/segfuse-train train --facts models/facts --questions models/questions --output models/segfuse-2m
	./build/segfuse check --record models/segfuse-2m/check.jsonl
	./build/segfuse check --arithmetic bf16 --record models/segfuse-2m/check-bf16.jsonl

## lib          libsegfuse.a and libsegfuse.so, in build/
lib: build/libsegfuse.a build/$(SONAME)
build/libsegfuse.a: build/segfuse.o
	$(AR) rcs $@ $<
build/$(SONAME): segfuse.h | build
	$(CC) $(FLAGS) -DSEGFUSE_IMPLEMENTATION -fPIC -shared -Wl,-soname,$(SONAME) -x c $< -o $@ $(LDLIBS)
	ln -sf $(SONAME) build/libsegfuse.so

## web          build/segfuse.html: model, masks and fusion in a browser, in one file (clang, lld, wasi-libc)
web: build/segfuse
	@sh examples/web/build.sh build/segfuse build/segfuse.html

## install      program, header, libraries, pkg-config and CMake files, Python module, models, manual, completion below PREFIX (DESTDIR)
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
SHARE    = $(DESTDIR)$(PREFIX)/share
MODELS   = $(addprefix segfuse-2m/,config.json generation_config.json model.safetensors tokenizer.json \
    tokenizer_config.json check.jsonl check-bf16.jsonl) questions/test.jsonl questions/train.jsonl
FILL     = sed -e 's|@PREFIX@|$(PREFIX)|g; s|@LIBDIR@|$(LIBDIR)|g; s|@VERSION@|$(VERSION)|g; s|@SONAME@|$(SONAME)|g'
install: build/segfuse lib
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/segfuse \
	    $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
	    $(SHARE)/segfuse/models/segfuse-2m $(SHARE)/segfuse/models/questions
	install build/segfuse $(DESTDIR)$(PREFIX)/bin
	install -m 644 segfuse.h $(DESTDIR)$(PREFIX)/include
	install -m 644 build/libsegfuse.a $(DESTDIR)$(LIBDIR)
	install -d $(DESTDIR)$(LIBDIR)/segfuse && install -m 644 examples/python/segfuse.py $(DESTDIR)$(LIBDIR)/segfuse
	install build/$(SONAME) $(DESTDIR)$(LIBDIR) && ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libsegfuse.so
	$(FILL) examples/packages/segfuse.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/segfuse.pc
	$(FILL) examples/packages/segfuse-config.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/segfuse/segfuse-config.cmake
	$(FILL) examples/packages/segfuse-config-version.cmake.in > $(DESTDIR)$(LIBDIR)/cmake/segfuse/segfuse-config-version.cmake
	for f in $(MODELS); do install -m 644 models/$$f $(SHARE)/segfuse/models/$$f || exit 1; done
	./build/segfuse man > $(SHARE)/man/man1/segfuse.1
	./build/segfuse completion bash > $(SHARE)/bash-completion/completions/segfuse
	./build/segfuse completion zsh > $(SHARE)/zsh/site-functions/_segfuse

## dist         the header alone with its checksum, and a tarball of the last commit, in build/dist
dist: | build
	@mkdir -p build/dist
	cp segfuse.h build/dist/ && cd build/dist && sha256sum segfuse.h > segfuse.h.sha256
	git archive --prefix=segfuse-$(VERSION)/ HEAD | gzip -n > build/dist/segfuse-$(VERSION).tar.gz

## clean        remove build/
clean:
	rm -rf build

include tests/checks.mk
