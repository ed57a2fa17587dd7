// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * HotSpot never compiles a method of more than 8000 bytes of bytecode (HugeMethodLimit), so one
 * that grows past it makes the processor a hundred times slower and breaks no other test.
 */
class MethodSizeTest {

    private static final int HUGE_METHOD_LIMIT = 8000;

    @Test
    void everyMethodThatCanRunOftenIsSmallEnoughToBeCompiled() throws IOException {
        Path classes = Path.of("target/classes/dev/vitrine/processor");
        List<String> tooLarge = new ArrayList<>();
        int methods = 0;
        try (Stream<Path> walk = Files.walk(classes)) {
            for (Path file : walk.filter(f -> f.toString().endsWith(".class")).sorted().toList()) {
                methods += check(ClassFile.of().parse(file), tooLarge);
            }
        }
        assertThat(methods).as("methods found below " + classes.toAbsolutePath()).isPositive();
        assertThat(tooLarge).isEmpty();
    }

    private static int check(ClassModel type, List<String> tooLarge) {
        int methods = 0;
        for (MethodModel method : type.methods()) {
            // Tables are filled once; nothing is lost when that is interpreted.
            if (method.methodName().equalsString("<clinit>")) {
                continue;
            }
            Optional<CodeModel> code = method.code();
            if (code.isPresent() && code.get() instanceof CodeAttribute attribute) {
                methods++;
                if (attribute.codeLength() > HUGE_METHOD_LIMIT) {
                    tooLarge.add(
                            type.thisClass().asInternalName()
                                    + "."
                                    + method.methodName()
                                    + ": "
                                    + attribute.codeLength()
                                    + " bytes");
                }
            }
        }
        return methods;
    }
}
