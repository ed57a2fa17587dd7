// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** The rules of docs/design.md that a compiler does not check. */
class ArchitectureTest {

    /** The modules' root packages and what each may use, in the order in which they stand. */
    private static final Map<String, List<String>> MAY_USE =
            Map.of(
                    "memory", List.of(),
                    "processor", List.of("memory"),
                    "platform", List.of("processor", "memory"),
                    "xenabi", List.of(),
                    "hypervisor", List.of("platform", "processor", "memory", "xenabi"),
                    "introspection",
                            List.of("hypervisor", "platform", "processor", "memory", "xenabi"),
                    "toolstack", List.of("hypervisor", "platform", "processor", "memory", "xenabi"),
                    "cli",
                            List.of(
                                    "toolstack",
                                    "introspection",
                                    "hypervisor",
                                    "platform",
                                    "processor",
                                    "memory",
                                    "xenabi"));

    /** The packages that a module's descriptor exports. */
    private static final Set<String> EXPORTED =
            Set.of(
                    "dev.vitrine.memory",
                    "dev.vitrine.processor",
                    "dev.vitrine.platform",
                    "dev.vitrine.xenabi",
                    "dev.vitrine.hypervisor",
                    "dev.vitrine.introspection",
                    "dev.vitrine.introspection.inject",
                    "dev.vitrine.introspection.linux",
                    "dev.vitrine.introspection.trace",
                    "dev.vitrine.introspection.trace.output",
                    "dev.vitrine.toolstack",
                    "dev.vitrine.toolstack.builder",
                    "dev.vitrine.toolstack.console",
                    "dev.vitrine.toolstack.image",
                    "dev.vitrine.toolstack.config",
                    "dev.vitrine.toolstack.loader",
                    "dev.vitrine.toolstack.record",
                    "dev.vitrine.toolstack.xenstore");

    private static JavaClasses classes;

    @BeforeAll
    static void importClasses() {
        classes =
                new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        // Tests of other modules, whose assembler is used here, are in a jar.
                        .withImportOption(location -> !location.contains("-tests.jar"))
                        .importPackages("dev.vitrine");
    }

    @Test
    void everyModuleIsSeen() {
        for (String module : MAY_USE.keySet()) {
            assertThat(classes.stream().anyMatch(c -> module.equals(moduleOf(c))))
                    .as("classes of module " + module)
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "memory",
                "processor",
                "platform",
                "xenabi",
                "hypervisor",
                "introspection",
                "toolstack",
                "cli"
            })
    void modulesDependDownwardsOnly(String module) {
        noClasses()
                .that(areOf(module))
                .should()
                .dependOnClassesThat(
                        describe(
                                "of a module that " + module + " may not use",
                                c -> {
                                    String other = moduleOf(c);
                                    return !other.isEmpty()
                                            && !other.equals(module)
                                            && !MAY_USE.get(module).contains(other);
                                }))
                .check(classes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "memory",
                "processor",
                "platform",
                "xenabi",
                "hypervisor",
                "introspection",
                "toolstack",
                "cli"
            })
    void internalPackagesAreUsedByTheirOwnModuleOnly(String module) {
        noClasses()
                .that(areOf(module))
                .should()
                .dependOnClassesThat(
                        describe(
                                "in an unexported package of another module",
                                c -> {
                                    String other = moduleOf(c);
                                    return !other.isEmpty()
                                            && !other.equals(module)
                                            && !EXPORTED.contains(c.getPackageName());
                                }))
                .check(classes);
    }

    @Test
    void onlyMemoryTouchesForeignMemory() {
        noClasses()
                .that(not(areOf("memory")))
                .should()
                .dependOnClassesThat(resideInAnyPackage("java.lang.foreign"))
                .check(classes);
    }

    @Test
    void nobodyUsesUnsafeOrTheJdksInternals() {
        noClasses()
                .should()
                .dependOnClassesThat(resideInAnyPackage("sun..", "jdk.internal..", "com.sun.."))
                .check(classes);
    }

    @Test
    void onlyTheMainClassEndsTheJvm() {
        noClasses()
                .that(not(describe("Main", c -> c.getName().equals("dev.vitrine.cli.Main"))))
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "halt", int.class)
                .check(classes);
    }

    @Test
    void theCoreUsesNothingButTheJdk() {
        noClasses()
                .that(
                        describe(
                                "of the core",
                                c ->
                                        !moduleOf(c).equals("toolstack")
                                                && !moduleOf(c).equals("introspection")
                                                && !moduleOf(c).equals("cli")))
                .should()
                .dependOnClassesThat(
                        not(resideInAnyPackage("java..", "dev.vitrine..", "org.jspecify..")))
                .check(classes);
    }

    private static DescribedPredicate<JavaClass> areOf(String module) {
        return describe("are of module " + module, c -> moduleOf(c).equals(module));
    }

    /** The module a class belongs to, empty when it is none of ours. */
    private static String moduleOf(JavaClass type) {
        String[] names = type.getPackageName().split("\\.", 4);
        boolean ours = names.length >= 3 && names[0].equals("dev") && names[1].equals("vitrine");
        return ours && MAY_USE.containsKey(names[2]) ? names[2] : "";
    }
}
