# SPDX-License-Identifier: Apache-2.0
# The user's own folder in an Image of its own: `make APP=DIR`, DIR inside or
# outside this tree. The kernel's objects are shared with the Image without an
# app; the app's, and what is linked, go to $(B)/app-NAME/. Without APP the other
# half of apps/app.h is linked, none.c.

# Not every shell has replaced the tilde behind an equals sign.
APP_ABS := $(if $(APP),$(abspath $(patsubst ~/%,$(HOME)/%,$(APP))))
APP_DIR := $(patsubst $(CURDIR)/%,%,$(APP_ABS))
APP_SRCS := $(if $(APP),$(sort $(wildcard $(APP_DIR)/*.c $(APP_DIR)/*.S)))
app_is = $(error APP=$(APP): $(1))
ifneq ($(strip $(APP)),)
$(if $(word 2,$(APP)),$(call app_is,the path of the folder must not hold blanks))
$(if $(wildcard $(APP_DIR)/.),,$(call app_is,there is no such \
	folder$(if $(wildcard apps/$(APP)/.),; perhaps APP=apps/$(APP))))
$(if $(filter $(APP_DIR),apps $(ROOMS)),$(call app_is,that folder is part of the kernel))
$(if $(APP_SRCS),,$(call app_is,the folder holds no .c or .S file))
endif

# Where what is linked goes: W for all of it, A for the Image of this variant.
W := $(B)$(if $(APP),/app-$(notdir $(APP_DIR)))
A := $(W)/$(notdir $(O))
# With the whole path, so that two folders of one name do not share objects.
APP_OBJS := $(APP_SRCS:$(APP_DIR)/%=$(A)/app$(APP_ABS)/%.o)
LINKED := $(OBJS) $(O)/apps/$(if $(APP),start,none).c.o $(APP_OBJS)

# The user's warnings are printed and stop nobody.
$(APP_OBJS): $(A)/app$(APP_ABS)/%.o: $(APP_DIR)/% $(O)/.flags | $(LIBS)
	@mkdir -p $(@D)
	$(call say,APP     $<)
	$(Q)$(CC) $(filter-out -Werror,$(cflags)) -I$(APP_DIR) -MMD -MP -c $< -o $@
