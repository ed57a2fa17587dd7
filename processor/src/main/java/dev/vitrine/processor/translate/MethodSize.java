// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;

/** How large the methods of a class file are. */
final class MethodSize {
    private MethodSize() {}

    /** Bytes of bytecode of the largest method. */
    static int ofLargest(byte[] file) {
        return ClassFile.of().parse(file).methods().stream()
                .flatMap(m -> m.code().stream())
                .mapToInt(c -> ((CodeAttribute) c).codeLength())
                .max()
                .orElse(0);
    }
}
