// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.types.Isf;

import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A file that tells what a kernel without BTF or kallsyms does not: Volatility's ISF (JSON) or a
 * System.map, either also compressed by xz.
 */
public final class SymbolFile {
    private static final int MAX_SYMBOLS = 1 << 22;
    private static final int LINE = 2048;

    /** How the only line of what Debian's packages of kernels have begins. */
    private static final String PLACEHOLDER = "ffffffffffffffff B The real System.map ";

    private final Map<String, Long> symbols;
    private final @Nullable KernelTypes types;
    private final String banner;

    private SymbolFile(Map<String, Long> symbols, @Nullable KernelTypes types, String banner) {
        this.symbols = symbols;
        this.types = types;
        this.banner = banner;
    }

    /**
     * Reads a file; its content tells its kind.
     *
     * @throws IntrospectionException it cannot be read, or is neither
     */
    public static SymbolFile load(Path file) {
        try (InputStream in = unpacked(new BufferedInputStream(Files.newInputStream(file)))) {
            in.mark(16);
            int first = in.read();
            while (Character.isWhitespace(first)) {
                first = in.read();
            }
            in.reset();
            if (first == '{') {
                Isf isf = Isf.read(file.toString(), in);
                return new SymbolFile(isf.symbols(), isf, isf.banner());
            }
            return new SymbolFile(systemMap(file, in), null, "");
        } catch (IOException e) {
            throw new IntrospectionException(
                    "The symbol file " + file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    private static InputStream unpacked(BufferedInputStream in) throws IOException {
        in.mark(8);
        boolean xz = in.read() == 0xFD && in.read() == '7' && in.read() == 'z';
        in.reset();
        return xz ? new BufferedInputStream(new XZInputStream(in, 256 << 10)) : in;
    }

    private static Map<String, Long> systemMap(Path file, InputStream in) throws IOException {
        Map<String, Long> map = new LinkedHashMap<>();
        BufferedReader r =
                new BufferedReader(new InputStreamReader(in, StandardCharsets.ISO_8859_1));
        int number = 0;
        for (String line = r.readLine(); line != null; line = r.readLine()) {
            number++;
            String[] words = line.length() > LINE ? new String[0] : line.split(" ", 4);
            if (words.length < 3 || words[1].length() != 1 || map.size() >= MAX_SYMBOLS) {
                throw new IntrospectionException(
                        "File "
                                + file
                                + " is neither a System.map (its line "
                                + number
                                + " is no address, type and name) nor an ISF file.");
            }
            if (line.startsWith(PLACEHOLDER)) {
                throw new IntrospectionException(
                        "File "
                                + file
                                + " is a placeholder that Debian installs: the real System.map is in"
                                + " the kernel's package of debug symbols.");
            }
            try {
                map.putIfAbsent(words[2], Long.parseUnsignedLong(words[0], 16));
            } catch (NumberFormatException e) {
                throw new IntrospectionException(
                        "File " + file + " has no address in its line " + number + ".", e);
            }
        }
        if (map.isEmpty()) {
            throw new IntrospectionException(
                    "File " + file + " is empty; it is neither a System.map nor an ISF file.");
        }
        return map;
    }

    /** Addresses of symbols, without the displacement of KASLR. */
    public Map<String, Long> symbols() {
        return symbols;
    }

    @Nullable KernelTypes types() {
        return types;
    }

    /** The kernel's version text that the file is for; empty if it does not say. */
    public String banner() {
        return banner;
    }
}
