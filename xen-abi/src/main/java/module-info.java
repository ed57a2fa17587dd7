// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Xen's public interface: numbers and struct layouts. */
module dev.vitrine.xenabi {
    requires static transitive org.jspecify;

    exports dev.vitrine.xenabi;
}
