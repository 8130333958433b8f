# SPDX-License-Identifier: Apache-2.0
# build/host/memmap: what the kernel makes of a device tree, by the host programs'
# objects of BUILD=release (test builds would write to all of the memory that a
# board has). `make memmap DTB=FILE MEMORY="BASE+SIZE ..."` prints one map, `make
# trees` tries all of TREES, Debian's kernel has 577, and writes the tables of
# docs/trees.md.

MEMORY ?=
MEMMAP := $(H)/memmap
MEMMAP_OBJS := $(patsubst %.c,$(H)/release/%.o,$(sort $(wildcard tools/memmap/*.c)))

.PHONY: memmap trees
host-build: $(MEMMAP)
$(MEMMAP): $(MEMMAP_OBJS) $(H)/release/libmm.a
	$(Q)$(HOSTCC) $(HOST_LINK) $^ -lfdt -o $@

# memmap with a bug of tests/plants/ built in: the changed source comes before libmm.a.
$(H)/plants/%/memmap: tests/plants/%.patch $(MEMMAP_OBJS) $(H)/release/libmm.a
	@rm -rf $(@D) && mkdir -p $(@D)
	@sed -n 's|^+++ b/||p' $< | xargs tar c | tar x -C $(@D)
	@patch -s -p1 -d $(@D) <$< || { echo "$< does not apply to this tree any more"; exit 1; }
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(HOST_LINK) -DTM_DEBUG=0 $$(find $(@D) -name '*.c') \
		$(MEMMAP_OBJS) $(H)/release/libmm.a -lfdt -o $@

$(TREES)/package:
	$(Q)tools/setup trees $(TREES)
memmap: $(MEMMAP)
	$(if $(DTB),,$(error make memmap: DTB=FILE.dtb says of what))
	$(Q)$< $(MEMORY:%=--memory=%) $(DTB)
trees: $(MEMMAP) | $(TREES)/package
	$(Q)$(PYTHON) -B tools/trees.py --memmap $(MEMMAP) --doc docs/trees.md $(TREES)
