// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.ref.SoftReference;
import java.lang.ref.WeakReference;
import java.lang.reflect.Proxy;
import java.math.BigInteger;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * What makes HotSpot work: hot loops of all kinds, code that is compiled, made invalid, thrown away
 * and compiled again, classes that come and go, signals that mean exceptions, threads, collections.
 * Each task prints a checksum that depends on nothing but the round's number, and for the tasks
 * with threads on their number.
 *
 * <p>{@code java Workload SECONDS ROUNDS THREADS [TASK...]}: ends after the round in which SECONDS
 * are over, or after ROUNDS of them; 0 means no limit. Each line is {@code = ROUND TASK CHECKSUM}.
 */
public final class Workload {
    private static int threads;

    private interface Task {
        long run(Rng rng) throws Exception;
    }

    private Workload() {}

    public static void main(String[] args) throws Exception {
        final long seconds = Long.parseLong(args[0]);
        final long rounds = Long.parseLong(args[1]);
        threads = Integer.parseInt(args[2]);
        Map<String, Task> tasks = new LinkedHashMap<>();
        tasks.put("integers", Workload::integers);
        tasks.put("floats", Workload::floats);
        tasks.put("vectors", Workload::vectors);
        tasks.put("checks", Workload::checks);
        tasks.put("digests", Workload::digests);
        tasks.put("ciphers", Workload::ciphers);
        tasks.put("bigs", Workload::bigs);
        tasks.put("strings", Workload::strings);
        tasks.put("regexps", Workload::regexps);
        tasks.put("maps", Workload::maps);
        tasks.put("streams", Workload::streams);
        tasks.put("interpreter", Workload::interpreter);
        tasks.put("exceptions", Workload::exceptions);
        tasks.put("classes", Workload::classes);
        tasks.put("hierarchy", Workload::hierarchy);
        tasks.put("handles", Workload::handles);
        tasks.put("objects", Workload::objects);
        tasks.put("memory", Workload::memory);
        tasks.put("buffers", Workload::buffers);
        tasks.put("javac", Workload::javac);
        tasks.put("pool", Workload::pool);
        tasks.put("locks", Workload::locks);
        tasks.put("order", Workload::order);
        if (args.length > 3) {
            List<String> names = List.of(args).subList(3, args.length);
            require(tasks.keySet().containsAll(names), "no such task");
            tasks.keySet().retainAll(names);
        }
        final long begin = System.nanoTime();
        long round = 0;
        do {
            for (Map.Entry<String, Task> task : tasks.entrySet()) {
                long sum =
                        task.getValue().run(new Rng(round * 1_000_003 + task.getKey().hashCode()));
                System.out.printf("= %d %s %016x%n", round, task.getKey(), sum);
            }
            round++;
            System.out.printf(
                    "# round %d ends after %d ms%n",
                    round - 1, (System.nanoTime() - begin) / 1_000_000);
        } while (round != rounds
                && (seconds == 0 || System.nanoTime() - begin < seconds * 1_000_000_000));
        System.out.printf("= %d rounds%n", round);
    }

    /** Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014). */
    private static final class Rng {
        private long state;

        Rng(long seed) {
            state = seed;
        }

        long next() {
            return mix(state += 0x9e3779b97f4a7c15L);
        }

        int below(int bound) {
            return (int) Long.remainderUnsigned(next(), bound);
        }

        byte[] bytes(int count) {
            byte[] bytes = new byte[count];
            for (int i = 0; i < count; i++) {
                bytes[i] = (byte) next();
            }
            return bytes;
        }
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    private static long sum(byte[] bytes) {
        long sum = bytes.length;
        for (byte b : bytes) {
            sum = sum * 31 + b;
        }
        return mix(sum);
    }

    private static void require(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    // --- arithmetic ----------------------------------------------------------------------

    private static long integers(Rng rng) {
        long a = rng.next();
        long b = rng.next();
        int i = (int) a;
        int j = (int) b;
        for (int n = 0; n < 50_000; n++) {
            a += Long.rotateLeft(b, n) ^ (a * 6364136223846793005L);
            b ^= Math.multiplyHigh(a, b) + a / (n | 1) + b % (n + 3);
            i = i * 31 + Integer.reverse(j) + i / ((j & 0xff) + 1) - (i >> (j & 31));
            j ^= Integer.bitCount(i) * 7 + Integer.numberOfLeadingZeros(j) + (i >>> 7) % 13;
            a += Long.bitCount(b) + Long.numberOfTrailingZeros(a) + Long.reverseBytes(b);
            b += Long.divideUnsigned(a, b | 1) + Integer.divideUnsigned(i, j | 1);
            a ^= (byte) i + (short) j + (char) a + (a < b ? i : j) + Long.compareUnsigned(a, b);
            try {
                i = Math.addExact(i, j >> 1);
            } catch (ArithmeticException e) {
                i = n;
            }
        }
        return mix(a) + mix(b) + mix(((long) i << 32) + j);
    }

    private static long floats(Rng rng) {
        long sum = 0;
        double x = rng.below(1000) / 7.0 + 0.1;
        float f = (float) x;
        for (int n = 1; n < 12_000; n++) {
            x = Math.sqrt(x * n + 1) - StrictMath.sin(x) + Math.floor(x) / 3 + Math.rint(x * 0.7);
            f = f * 0.999f + (float) n / (f + 1.5f) - (float) Math.sqrt(Math.abs(f)) % 0.75f;
            sum += Double.doubleToRawLongBits(x) ^ Float.floatToRawIntBits(f);
            sum += (long) (x * 1e10) + (int) (f * 1e10f) + Math.round(x) + (long) (1 / (x - x));
            sum ^= Double.doubleToLongBits(Math.fma(x, f, n)) + Double.compare(x, f);
            x = x > 1e9 ? StrictMath.log(x) : Math.max(x, -f) + Math.copySign(0.25, f);
            sum += Double.doubleToRawLongBits(Double.MIN_NORMAL / n * (n & 7));
        }
        sum += Double.toString(x).hashCode() + Float.toString(f).hashCode();
        sum += Double.doubleToRawLongBits(Double.parseDouble(Double.toString(x / 3)));
        sum +=
                Double.doubleToRawLongBits(
                        StrictMath.pow(x, 0.3) + StrictMath.exp(-f) + StrictMath.atan2(x, f));
        return mix(sum + planets(rng));
    }

    private static long planets(Rng rng) {
        int count = 5;
        double[][] p = new double[count][7];
        for (double[] body : p) {
            for (int k = 0; k < body.length; k++) {
                body[k] = rng.below(1000) / 100.0 - 5 * (k < 6 ? 1 : -1);
            }
        }
        for (int step = 0; step < 1000; step++) {
            for (int i = 0; i < count; i++) {
                for (int j = i + 1; j < count; j++) {
                    double dx = p[i][0] - p[j][0];
                    double dy = p[i][1] - p[j][1];
                    double dz = p[i][2] - p[j][2];
                    double d = dx * dx + dy * dy + dz * dz + 0.01;
                    double m = 0.001 / (d * Math.sqrt(d));
                    p[i][3] -= dx * p[j][6] * m;
                    p[i][4] -= dy * p[j][6] * m;
                    p[i][5] -= dz * p[j][6] * m;
                    p[j][3] += dx * p[i][6] * m;
                    p[j][4] += dy * p[i][6] * m;
                    p[j][5] += dz * p[i][6] * m;
                }
            }
            for (double[] body : p) {
                for (int k = 0; k < 3; k++) {
                    body[k] += 0.001 * body[k + 3];
                }
            }
        }
        long sum = 0;
        for (double[] body : p) {
            for (double value : body) {
                sum = mix(sum + Double.doubleToRawLongBits(value));
            }
        }
        return sum;
    }

    /** Loops that C2 turns into vector instructions. */
    private static long vectors(Rng rng) {
        int n = 1000 + rng.below(100);
        int[] a = new int[n];
        int[] b = new int[n];
        long[] c = new long[n];
        float[] f = new float[n];
        double[] d = new double[n];
        byte[] s = rng.bytes(n);
        short[] t = new short[n];
        char[] u = new char[n];
        for (int i = 0; i < n; i++) {
            a[i] = (int) rng.next();
            c[i] = rng.next();
            f[i] = rng.below(1000) / 16f;
            d[i] = rng.below(1000) / 3.0;
            t[i] = (short) a[i];
        }
        long sum = 0;
        for (int round = 0; round < 50; round++) {
            for (int i = 0; i < n; i++) {
                b[i] = a[i] * 17 + (a[i] >>> 3) - (a[i] << 5);
            }
            for (int i = 0; i < n; i++) {
                c[i] = (c[i] ^ (c[i] >> 7)) + b[i];
            }
            for (int i = 0; i < n; i++) {
                f[i] = f[i] * 0.5f + b[i];
                d[i] = d[i] * 0.25 + Math.abs(d[i]) - 1.5;
            }
            for (int i = 0; i < n; i++) {
                s[i] = (byte) (s[i] + t[i]);
                t[i] = (short) (t[i] * 3 - s[i]);
                u[i] = (char) (u[i] + s[i]);
            }
            for (int i = 0; i < n; i++) {
                a[i] = Math.min(Math.max(b[i], -1_000_000_000), 1_000_000_000) ^ (int) d[i];
            }
            int ints = 0;
            long longs = 0;
            int bits = 0;
            for (int i = 0; i < n; i++) {
                ints += a[i];
                longs ^= c[i];
                bits += Integer.bitCount(b[i]);
            }
            sum = mix(sum + ints + longs * 3 + bits);
            System.arraycopy(a, round, a, 2 * round, n - 2 * round);
            Arrays.fill(b, round, n - round, round);
            sum +=
                    Arrays.mismatch(a, b)
                            + Arrays.hashCode(s)
                            + (Arrays.equals(c, c.clone()) ? 1 : 0);
        }
        return sum
                + Arrays.hashCode(f)
                + Arrays.hashCode(d)
                + Arrays.hashCode(t)
                + Arrays.hashCode(u);
    }

    private static long checks(Rng rng) {
        byte[] bytes = rng.bytes(32 * 1024 + 13);
        CRC32 crc = new CRC32();
        CRC32C crcc = new CRC32C();
        Adler32 adler = new Adler32();
        long sum = 0;
        for (int n = 0; n < 20; n++) {
            crc.update(bytes, n, bytes.length - 3 * n);
            crcc.update(bytes, 2 * n, bytes.length - 2 * n);
            adler.update(bytes, n, bytes.length - n);
            sum = mix(sum + crc.getValue() + (crcc.getValue() << 20) + (adler.getValue() << 31));
        }
        Deflater deflater = new Deflater(6);
        byte[] packed = new byte[bytes.length];
        byte[] text =
                Arrays.toString(Arrays.copyOf(bytes, 4000)).getBytes(StandardCharsets.US_ASCII);
        deflater.setInput(text);
        deflater.finish();
        int size = deflater.deflate(packed);
        deflater.end();
        Inflater inflater = new Inflater();
        inflater.setInput(packed, 0, size);
        byte[] unpacked = new byte[text.length];
        try {
            inflater.inflate(unpacked);
        } catch (java.util.zip.DataFormatException e) {
            throw new AssertionError(e);
        }
        inflater.end();
        require(Arrays.equals(text, unpacked), "inflate");
        return mix(sum + size);
    }

    private static long digests(Rng rng) throws Exception {
        byte[] bytes = rng.bytes(40_000);
        long sum = 0;
        for (String name : List.of("MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256")) {
            MessageDigest digest = MessageDigest.getInstance(name);
            digest.update(bytes, 0, 39_000);
            digest.update(bytes, 39_000, 1_000);
            sum = mix(sum + sum(digest.digest()));
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(bytes, 0, 32, "HmacSHA256"));
        sum += sum(mac.doFinal(bytes));
        byte[] text = Base64.getEncoder().encode(bytes);
        require(Arrays.equals(Base64.getDecoder().decode(text), bytes), "base64");
        return mix(sum + sum(text));
    }

    private static long ciphers(Rng rng) throws Exception {
        byte[] bytes = rng.bytes(20_000);
        SecretKeySpec key = new SecretKeySpec(bytes, 0, 16 + 16 * (bytes[0] & 1), "AES");
        byte[] iv = Arrays.copyOf(bytes, 16);
        long sum = 0;
        for (String name :
                List.of(
                        "AES/CBC/PKCS5Padding",
                        "AES/CTR/NoPadding",
                        "AES/ECB/PKCS5Padding",
                        "AES/GCM/NoPadding",
                        "ChaCha20-Poly1305")) {
            Cipher cipher = Cipher.getInstance(name);
            java.security.spec.AlgorithmParameterSpec with =
                    name.contains("ECB")
                            ? null
                            : name.contains("GCM")
                                    ? new GCMParameterSpec(128, Arrays.copyOf(iv, 12))
                                    : new IvParameterSpec(
                                            name.contains("ChaCha") ? Arrays.copyOf(iv, 12) : iv);
            SecretKeySpec used =
                    name.contains("ChaCha") ? new SecretKeySpec(bytes, 0, 32, "ChaCha20") : key;
            cipher.init(Cipher.ENCRYPT_MODE, used, with);
            byte[] secret = cipher.doFinal(bytes);
            cipher = Cipher.getInstance(name);
            cipher.init(Cipher.DECRYPT_MODE, used, with);
            require(Arrays.equals(cipher.doFinal(secret), bytes), name);
            sum = mix(sum + sum(secret));
        }
        return sum;
    }

    private static long bigs(Rng rng) {
        BigInteger a = new BigInteger(1, rng.bytes(128));
        BigInteger b = new BigInteger(1, rng.bytes(64));
        BigInteger m = new BigInteger(1, rng.bytes(64)).setBit(0);
        long sum =
                a.modPow(b, m).hashCode()
                        + 31L
                                * b.modInverse(
                                                BigInteger.ONE
                                                        .shiftLeft(61)
                                                        .subtract(BigInteger.ONE))
                                        .hashCode();
        BigInteger product = BigInteger.ONE;
        for (int i = 1; i < 200; i++) {
            product = product.multiply(BigInteger.valueOf(rng.next() | 1)).add(a);
        }
        BigInteger[] parts = product.divideAndRemainder(a.multiply(b));
        require(parts[0].multiply(a.multiply(b)).add(parts[1]).equals(product), "division");
        return mix(
                sum
                        + product.pow(3).hashCode()
                        + parts[1].toString().hashCode()
                        + a.gcd(product).hashCode());
    }

    // --- strings and collections ---------------------------------------------------------

    private static long strings(Rng rng) {
        StringBuilder text = new StringBuilder();
        long sum = 0;
        for (int i = 0; i < 1000; i++) {
            String word =
                    "w"
                            + rng.below(1000)
                            + (char) ('a' + rng.below(26))
                            + (i % 50 == 0 ? "\u20ac\ud83d\ude00" : "");
            text.append(word).append(' ').append(i).append(", ");
            sum =
                    mix(
                            sum
                                    + word.toUpperCase(Locale.ROOT).hashCode()
                                    + word.compareTo("w5")
                                    + word.indexOf('z'));
        }
        String all = text.toString();
        byte[] utf8 = all.getBytes(StandardCharsets.UTF_8);
        require(new String(utf8, StandardCharsets.UTF_8).equals(all), "UTF-8");
        byte[] utf16 = all.getBytes(StandardCharsets.UTF_16LE);
        sum += sum(utf8) + sum(utf16);
        for (String part : all.split(", ")) {
            sum =
                    sum * 31
                            + part.trim().hashCode()
                            + part.lastIndexOf("w9")
                            + (part.contains("99") ? 1 : 0);
        }
        sum +=
                all.replace("w1", "<one>").hashCode()
                        + new StringBuilder(all).reverse().toString().hashCode();
        for (int i = 0; i < 100; i++) {
            sum =
                    mix(
                            sum
                                    + String.format(
                                                    Locale.ROOT,
                                                    "%5d|%-8s|%08.3f|%x",
                                                    i,
                                                    "s" + i,
                                                    i / 7.0,
                                                    rng.next())
                                            .hashCode());
            sum +=
                    ("k" + i % 20).intern().length()
                            + Integer.toString(i, 7).hashCode()
                            + Long.parseLong("-" + i);
        }
        int from = 0;
        for (int at; (at = all.indexOf("77", from)) >= 0; from = at + 1) {
            sum += at;
        }
        return sum;
    }

    private static final Pattern WORDS =
            Pattern.compile(
                    "(?<key>[a-z]+)(\\d{1,3})=" + "(?<value>\"[^\"]*\"|[-+]?\\d+(?:\\.\\d+)?)");

    private static long regexps(Rng rng) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 600; i++) {
            text.append("key").append(rng.below(1500)).append('=');
            text.append(
                    rng.below(2) == 0
                            ? "\"v " + rng.below(99) + '"'
                            : String.valueOf(rng.below(9999) / 10.0));
            text.append(i % 7 == 0 ? "\n" : ";");
        }
        long sum = 0;
        Matcher matcher = WORDS.matcher(text);
        while (matcher.find()) {
            sum =
                    sum * 31
                            + matcher.group("key").length()
                            + matcher.group("value").hashCode()
                            + matcher.start(2);
        }
        // Compiled anew each time, and with much to try.
        Pattern slow =
                Pattern.compile(
                        "(?i)(a|aa|b(?=" + rng.below(10) + "))*c|^k.*?(\\d)\\2", Pattern.MULTILINE);
        sum = mix(sum + slow.matcher(text).results().mapToInt(r -> r.start()).sum());
        sum += slow.matcher("aaaaaaaaaaaaaaaaaab").find() ? 1 : 0;
        return sum + text.toString().replaceAll("([0-9]+)\\.([0-9])", "$2.$1").hashCode();
    }

    private record Point(int x, String name) {}

    private static long maps(Rng rng) {
        Map<String, Integer> counts = new HashMap<>();
        TreeMap<Long, Point> tree = new TreeMap<>();
        PriorityQueue<Point> queue =
                new PriorityQueue<>(Comparator.comparingInt(Point::x).thenComparing(Point::name));
        ArrayDeque<Point> deque = new ArrayDeque<>();
        BitSet bits = new BitSet();
        for (int i = 0; i < 4_000; i++) {
            int x = rng.below(5000);
            Point point = new Point(x, "p" + x % 100);
            counts.merge(point.name(), x, Integer::sum);
            tree.put(rng.next() >>> 40, point);
            queue.add(point);
            deque.addLast(point);
            bits.flip(x);
            if (i % 3 == 0) {
                queue.poll();
                tree.pollFirstEntry();
                deque.removeFirst();
            }
        }
        long sum = bits.cardinality() + deque.stream().mapToLong(Point::hashCode).sum();
        for (Map.Entry<String, Integer> e : counts.entrySet()) {
            sum = sum * 31 + e.getKey().hashCode() + e.getValue();
        }
        for (Map.Entry<Long, Point> e : tree.headMap(1L << 23).entrySet()) {
            sum = mix(sum + e.getKey() + e.getValue().x());
        }
        while (!queue.isEmpty()) {
            sum = sum * 33 + queue.poll().hashCode();
        }
        return sum;
    }

    private static long streams(Rng rng) {
        List<Long> numbers =
                LongStream.range(0, 4_000)
                        .map(i -> rng.next() >>> 20)
                        .boxed()
                        .collect(Collectors.toList());
        Map<Long, Long> groups =
                numbers.stream()
                        .collect(
                                Collectors.groupingBy(
                                        n -> n % 97, TreeMap::new, Collectors.summingLong(n -> n)));
        long sum = groups.hashCode();
        sum += numbers.stream().filter(n -> n % 3 == 0).mapToLong(n -> n * n).limit(2000).sum();
        sum +=
                numbers.stream()
                        .sorted(Comparator.reverseOrder())
                        .skip(100)
                        .reduce(0L, (a, b) -> a * 31 + b);
        sum +=
                IntStream.range(0, 8_000)
                        .parallel()
                        .mapToLong(i -> mix(i + numbers.get(i % 4_000)))
                        .sum();
        sum += numbers.stream().map(Long::toHexString).collect(Collectors.joining("/")).hashCode();
        long[] sorted = numbers.stream().mapToLong(n -> n).toArray();
        Arrays.parallelSort(sorted);
        return mix(sum + Arrays.hashCode(sorted));
    }

    /** A switch in a loop, which is one large method with a jump table. */
    private static long interpreter(Rng rng) {
        byte[] code = new byte[256];
        for (int i = 0; i < code.length; i++) {
            code[i] = (byte) rng.below(12);
        }
        long a = rng.next();
        long b = rng.next();
        int[] cells = new int[64];
        int pc = 0;
        for (int step = 0; step < 200_000; step++) {
            if (step % 500 == 0) {
                // Not for long in the same cycle.
                pc = step / 500;
                a += rng.next();
                b ^= step;
            }
            switch (code[pc & 255]) {
                case 0 -> a += b;
                case 1 -> b ^= a >>> 7;
                case 2 -> a *= 0x5851f42d4c957f2dL;
                case 3 -> b -= step;
                case 4 -> cells[(int) a & 63] += (int) b;
                case 5 -> b += cells[(int) (a >> 9) & 63];
                case 6 -> pc += a < b ? 3 : 1;
                case 7 -> a = Long.rotateRight(a, 11);
                case 8 -> pc = (b & 15) == 0 ? (int) a : pc;
                case 9 -> a = ~a;
                case 10 -> b = b * 3 + 1;
                default -> a ^= b << 3;
            }
            pc++;
        }
        return mix(a) + mix(b) + Arrays.hashCode(cells);
    }

    // --- what traps, and what makes code invalid -----------------------------------------

    private static final class Node implements Serializable {
        private static final long serialVersionUID = 1;
        final int value;
        Node left;
        Node right;
        transient Node uncle;

        Node(int value) {
            this.value = value;
        }
    }

    private static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1;
        final int depth;

        Failure(int depth) {
            super("at " + depth);
            this.depth = depth;
        }
    }

    /** HotSpot makes most of these of SIGSEGV and SIGFPE in the code that it generates. */
    private static long exceptions(Rng rng) {
        long sum = 0;
        Object[] objects = {"s", 7, null, 3L, new int[3], new String[2]};
        Node[] nodes = new Node[8];
        for (int i = 0; i < nodes.length; i++) {
            nodes[i] = i % 4 == 3 ? null : new Node(i);
        }
        for (int n = 0; n < 3000; n++) {
            int r = rng.below(64);
            try {
                // Nulls and zeros first seldom, then often: implicit checks become explicit ones.
                Node node = nodes[r < 2 || n > 1500 ? r & 7 : r % 3];
                sum += node.value + node.left.value;
            } catch (NullPointerException e) {
                sum += 1;
            }
            try {
                sum += 1000 / (n > 2200 ? r & 3 : r + (n % 500));
            } catch (ArithmeticException e) {
                sum += e.getMessage().length();
            }
            try {
                sum += ((Integer) objects[r % 7]).intValue();
            } catch (ClassCastException e) {
                sum += 3;
            } catch (ArrayIndexOutOfBoundsException e) {
                sum += 5;
            } catch (NullPointerException e) {
                sum += 7;
            }
            try {
                ((Object[]) objects[5])[r & 1] = (r & 2) == 0 ? "x" : (Object) r;
            } catch (ArrayStoreException e) {
                sum += 11;
            }
            try {
                sum += thrower(r, r & 15);
            } catch (Failure e) {
                sum = sum * 31 + e.depth + e.getMessage().hashCode();
            } finally {
                sum ^= n;
            }
        }
        try {
            sum += endless(0);
        } catch (StackOverflowError e) {
            sum = mix(sum);
        }
        try {
            sum += new byte[Integer.MAX_VALUE].length;
        } catch (OutOfMemoryError e) {
            sum = mix(sum + 1);
        }
        return sum;
    }

    private static int thrower(int depth, int bound) {
        if (depth > bound) {
            if ((depth & 3) == 0) {
                throw new Failure(depth);
            }
            return depth;
        }
        try {
            return thrower(depth + 3, bound) + 1;
        } finally {
            bound--;
        }
    }

    private static long endless(long depth) {
        return endless(depth + 1) + depth;
    }

    /** What generated classes extend. */
    public abstract static class Operation {
        public abstract long apply(long a, long b);
    }

    /** Defines classes that can be collected again. */
    private static final class Loader extends ClassLoader {
        Loader() {
            super(Workload.class.getClassLoader());
        }

        Operation operation(String name, byte[] bytes) throws ReflectiveOperationException {
            return (Operation)
                    defineClass(name, bytes, 0, bytes.length).getConstructor().newInstance();
        }
    }

    /** A random program, as a class and as what an interpreter here makes of it. */
    private static final class Program {
        // Local variables: 0 this, 1 and 3 the arguments, 5 a counter.
        private static final int[] OPCODES = {
            0x61, 0x65, 0x69, 0x83, 0x7f, 0x81, 0x6d, 0x71, 0x79, 0x7b, 0x7d, 0x6b
        }; // ladd lsub lmul lxor land lor ldiv lrem lshl lshr lushr dmul
        private final int[] steps;
        private final long[] constants;
        private final int loops;

        Program(Rng rng) {
            steps = new int[4 + rng.below(20)];
            constants = new long[4];
            for (int i = 0; i < steps.length; i++) {
                steps[i] = rng.below(OPCODES.length) | rng.below(2) << 8 | rng.below(6) << 16;
            }
            for (int i = 0; i < constants.length; i++) {
                constants[i] = rng.next();
            }
            loops = 1 + rng.below(30);
        }

        /** The class file, of version 49, which needs no stack maps (JVMS 4). */
        byte[] bytes(String name) throws IOException {
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            DataOutputStream code = new DataOutputStream(body);
            code.write(new byte[] {0x10, (byte) loops, 0x36, 5}); // bipush, istore
            final int head = body.size();
            for (int step : steps) {
                int opcode = OPCODES[step & 0xff];
                int target = (step >> 8 & 1) == 0 ? 1 : 3;
                code.write(new byte[] {0x16, (byte) target}); // lload
                if (opcode == 0x6b) {
                    code.write(0x8a); // l2d
                }
                operand(code, step >> 16, 4 - target);
                switch (opcode) {
                    case 0x6d, 0x71 -> code.write(new byte[] {0x0a, (byte) 0x81}); // lconst_1, lor
                    case 0x79, 0x7b, 0x7d -> code.write(0x88); // l2i
                    case 0x6b -> code.write(0x8a); // l2d
                    default -> {}
                }
                code.write(opcode);
                if (opcode == 0x6b) {
                    code.write(0x8f); // d2l
                }
                code.write(new byte[] {0x37, (byte) target}); // lstore
            }
            code.write(new byte[] {(byte) 0x84, 5, -1, 0x15, 5}); // iinc, iload
            code.write(0x9d); // ifgt
            code.writeShort(head - (body.size() - 1));
            code.write(
                    new byte[] {
                        0x16, 1, 0x16, 3, 0x61, (byte) 0xad
                    }); // lload, lload, ladd, lreturn

            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(0xcafebabe);
            out.writeInt(49);
            out.writeShort(12 + 2 * constants.length);
            for (String text :
                    new String[] {
                        name, "Workload$Operation", "<init>", "()V", "apply", "(JJ)J", "Code"
                    }) {
                out.writeByte(1); // 1 to 7
                out.writeUTF(text);
            }
            out.write(new byte[] {7, 0, 1, 7, 0, 2}); // 8 and 9: the classes
            out.write(new byte[] {12, 0, 3, 0, 4}); // 10: the name and type of the constructor
            out.write(new byte[] {10, 0, 9, 0, 10}); // 11: that of the class above
            for (long constant : constants) {
                out.writeByte(5); // 12, 14, ...
                out.writeLong(constant);
            }
            out.write(new byte[] {0, 0x21, 0, 8, 0, 9, 0, 0, 0, 0, 0, 2});
            method(out, 3, 4, 1, 1, new byte[] {0x2a, (byte) 0xb7, 0, 11, (byte) 0xb1});
            method(out, 5, 6, 6, 6, body.toByteArray());
            out.writeShort(0);
            return bytes.toByteArray();
        }

        private static void operand(DataOutputStream code, int which, int other)
                throws IOException {
            if (which < 4) {
                code.write(new byte[] {0x14, 0, (byte) (12 + 2 * which)}); // ldc2_w
            } else if (which == 4) {
                code.write(new byte[] {0x16, (byte) other}); // lload
            } else {
                code.write(new byte[] {0x15, 5, (byte) 0x85}); // iload, i2l
            }
        }

        private static void method(
                DataOutputStream out, int name, int type, int stack, int locals, byte[] code)
                throws IOException {
            out.writeShort(1);
            out.writeShort(name);
            out.writeShort(type);
            out.writeShort(1);
            out.writeShort(7);
            out.writeInt(12 + code.length);
            out.writeShort(stack);
            out.writeShort(locals);
            out.writeInt(code.length);
            out.write(code);
            out.writeInt(0);
        }

        long interpret(long a, long b) {
            for (int count = loops; count > 0; count--) {
                for (int step : steps) {
                    boolean first = (step >> 8 & 1) == 0;
                    long x = first ? a : b;
                    int which = step >> 16;
                    long y = which < 4 ? constants[which] : which == 4 ? (first ? b : a) : count;
                    x =
                            switch (OPCODES[step & 0xff]) {
                                case 0x61 -> x + y;
                                case 0x65 -> x - y;
                                case 0x69 -> x * y;
                                case 0x83 -> x ^ y;
                                case 0x7f -> x & y;
                                case 0x81 -> x | y;
                                case 0x6d -> x / (y | 1);
                                case 0x71 -> x % (y | 1);
                                case 0x79 -> x << (int) y;
                                case 0x7b -> x >> (int) y;
                                case 0x7d -> x >>> (int) y;
                                default -> (long) ((double) x * (double) y);
                            };
                    if (first) {
                        a = x;
                    } else {
                        b = x;
                    }
                }
            }
            return a + b;
        }
    }

    /** Classes that are made here, run until they are compiled, and forgotten. */
    private static long classes(Rng rng) throws Exception {
        long sum = 0;
        for (int n = 0; n < 8; n++) {
            Program program = new Program(rng);
            Operation operation = new Loader().operation("G" + n, program.bytes("G" + n));
            int calls = n % 4 == 0 ? 6000 : 300;
            for (int i = 0; i < calls; i++) {
                long a = mix(i);
                long b = i - 100;
                long is = operation.apply(a, b);
                if (i % 100 == 0) {
                    require(is == program.interpret(a, b), "generated class");
                }
                sum = sum * 31 + is;
            }
        }
        return mix(sum);
    }

    private static final class Add extends Operation {
        @Override
        public long apply(long a, long b) {
            return a + b;
        }
    }

    /** A call that has one target, then two, then many: code compiled for less is made invalid. */
    private static long hierarchy(Rng rng) throws Exception {
        Loader loader = new Loader();
        Operation[] operations = new Operation[6];
        Program[] programs = new Program[operations.length];
        Arrays.fill(operations, new Add());
        long sum = 0;
        for (int n = 0; n < operations.length; n++) {
            for (int i = 0; i < 5_000; i++) {
                sum = caller(operations[i % (n + 1)], sum, i);
            }
            programs[n] = new Program(rng);
            operations[n] = loader.operation("H" + n, programs[n].bytes("H" + n));
        }
        LongUnaryOperator[] lambdas = {x -> x + 1, x -> x * 3, x -> x ^ (x >> 3), Long::reverse};
        for (int i = 0; i < 16_000; i++) {
            sum = lambdas[i < 8_000 ? 0 : i & 3].applyAsLong(sum);
        }
        return mix(sum);
    }

    private static long caller(Operation operation, long a, long b) {
        return operation.apply(a, b) ^ a;
    }

    private interface Service {
        long call(long a, String b);
    }

    private static long handles(Rng rng) throws Exception {
        MethodHandles.Lookup lookup = MethodHandles.lookup();
        MethodHandle mix =
                lookup.findStatic(
                        Workload.class, "mix", MethodType.methodType(long.class, long.class));
        MethodHandle length =
                lookup.findVirtual(String.class, "length", MethodType.methodType(int.class));
        long sum = rng.next();
        for (int n = 0; n < 6; n++) {
            long constant = rng.next();
            // Each combination is a class that the JDK generates.
            MethodHandle add =
                    lookup.findStatic(
                            Long.class,
                            "sum",
                            MethodType.methodType(long.class, long.class, long.class));
            MethodHandle handle =
                    MethodHandles.filterReturnValue(
                            MethodHandles.insertArguments(add, n & 1, constant), mix);
            handle =
                    MethodHandles.filterArguments(
                            handle,
                            0,
                            length.asType(MethodType.methodType(long.class, String.class)));
            handle = MethodHandles.dropArguments(handle, n % 2, int.class, Object.class);
            String text = "x".repeat(n + 5);
            for (int i = 0; i < 500; i++) {
                try {
                    sum +=
                            n % 2 == 0
                                    ? (long) handle.invoke(i, (Object) "y", text)
                                    : (long) handle.invoke(text, i, (Object) "y");
                } catch (Throwable e) {
                    throw new AssertionError(e);
                }
            }
        }
        Service service =
                (Service)
                        Proxy.newProxyInstance(
                                Service.class.getClassLoader(),
                                new Class<?>[] {Service.class},
                                (proxy, method, arguments) ->
                                        (Long) arguments[0] * 31
                                                + arguments[1].hashCode()
                                                + method.getName().length());
        java.lang.reflect.Method method = Workload.class.getDeclaredMethod("mix", long.class);
        for (int i = 0; i < 3000; i++) {
            sum = service.call(sum, i % 2 == 0 ? "a" : "bc") + (Long) method.invoke(null, sum);
            long with = sum;
            LongBinaryOperator captured = (a, b) -> a * b + with;
            sum ^= captured.applyAsLong(i, sum) + ("n" + i + ':' + (i & 7) + with).hashCode();
        }
        return sum;
    }

    private static long objects(Rng rng) throws Exception {
        Node root = new Node(rng.below(1000));
        List<Node> all = new ArrayList<>(List.of(root));
        for (int i = 0; i < 600; i++) {
            Node parent = all.get(all.size() / 2 + rng.below((all.size() + 1) / 2));
            Node child = new Node(rng.below(100_000));
            if (rng.below(2) == 0 && parent.left == null) {
                parent.left = child;
            } else {
                parent.right = child;
            }
            all.add(child);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(all);
            out.writeObject(Map.of("k", new int[] {1, 2, 3}));
        }
        try (ObjectInputStream in =
                new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            List<?> again = (List<?>) in.readObject();
            require(tree((Node) again.get(0)) == tree(root), "serialization");
            return mix(
                    sum(bytes.toByteArray()) + ((int[]) ((Map<?, ?>) in.readObject()).get("k"))[2]);
        }
    }

    private static long tree(Node node) {
        return node == null ? 1 : mix(node.value + 3 * tree(node.left) + 5 * tree(node.right));
    }

    // --- memory --------------------------------------------------------------------------

    /** What lives from round to round, so that collections of the old generation have work. */
    private static final ArrayDeque<Node> KEPT = new ArrayDeque<>();

    private static long memory(Rng rng) {
        long sum = 0;
        for (int n = 0; n < 12; n++) {
            sum = mix(sum + tree(grow(9 + n % 5, rng.below(1000))));
        }
        KEPT.addLast(grow(13, rng.below(1000)));
        // Old objects that refer to young ones.
        for (Node node : KEPT) {
            node.uncle = grow(4, 3);
        }
        if (KEPT.size() > 12) {
            sum += tree(KEPT.removeFirst());
        }
        for (Node node : KEPT) {
            sum = mix(sum + tree(node) + tree(node.uncle));
        }
        List<SoftReference<byte[]>> soft = new ArrayList<>();
        WeakReference<Node> weak = new WeakReference<>(KEPT.getLast());
        for (int i = 0; i < 60; i++) {
            byte[] bytes = new byte[1000 * (i + 1)];
            Arrays.fill(bytes, (byte) i);
            soft.add(new SoftReference<>(bytes));
        }
        if (rng.below(4) == 0) {
            System.gc();
        }
        for (SoftReference<byte[]> reference : soft) {
            byte[] bytes = reference.get();
            require(
                    bytes == null || bytes[bytes.length - 1] == (byte) (bytes.length / 1000 - 1),
                    "soft reference");
        }
        require(weak.get() == KEPT.getLast(), "weak reference");
        return sum;
    }

    private static Node grow(int depth, int value) {
        Node node = new Node(value);
        if (depth > 0) {
            node.left = grow(depth - 1, value * 2 + 1);
            node.right = grow(depth - 1, value * 3 + 2);
        }
        return node;
    }

    private static long buffers(Rng rng) {
        ByteBuffer direct = ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer heap = ByteBuffer.allocate(1 << 16).order(ByteOrder.BIG_ENDIAN);
        long sum = 0;
        for (int n = 0; n < 15_000; n++) {
            int at = rng.below((1 << 16) - 8);
            direct.putLong(at, sum + n);
            heap.putInt(at, (int) sum);
            sum += direct.getInt(at + 2) + heap.getLong(at & ~1) + direct.getShort(at + 1);
            sum ^= Double.doubleToRawLongBits(heap.getFloat(at)) >>> 3;
        }
        direct.clear();
        heap.clear();
        return mix(sum + direct.hashCode() + heap.compareTo(direct));
    }

    // --- a large program -----------------------------------------------------------------

    /** javac compiles a source that is made up; what it makes of it is loaded and run. */
    private static long javac(Rng rng) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringBuilder source = new StringBuilder("public class J extends Workload.Operation {\n");
        source.append("public long apply(long a, long b) { long r = a;\n");
        for (int i = 0; i < 8; i++) {
            source.append("r += f").append(i).append("(r, b);\n");
        }
        source.append("return r; }\n");
        for (int i = 0; i < 8; i++) {
            source.append("static long f").append(i).append("(long a, long b) {\n");
            source.append("  java.util.List<Long> l = new java.util.ArrayList<>();\n");
            source.append("  for (long i = 0; i < ")
                    .append(2 + rng.below(5))
                    .append("; i++) l.add(a * i + b);\n");
            source.append("  java.util.function.LongUnaryOperator o = x -> x * ");
            source.append(rng.next()).append("L + l.size();\n");
            source.append("  String s = switch ((int) a & 3) {\n");
            source.append("    case 0 -> \"a\" + b; case 1 -> \"b\" + l; default -> \"c\"; };\n");
            source.append("  long m = l.stream().mapToLong(x -> x).sum();\n");
            source.append("  return o.applyAsLong(m) + s.hashCode();\n}\n");
        }
        source.append("}\n");
        Map<String, ByteArrayOutputStream> made = new TreeMap<>();
        JavaFileObject unit =
                new SimpleJavaFileObject(
                        URI.create("string:///J.java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return source;
                    }
                };
        JavaFileObject base =
                new SimpleJavaFileObject(
                        URI.create("string:///Workload.java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return "public class Workload { public abstract static class Operation {"
                                + " public abstract long apply(long a, long b); } }";
                    }
                };
        try (JavaFileManager files =
                new ForwardingJavaFileManager<>(compiler.getStandardFileManager(null, null, null)) {
                    @Override
                    public JavaFileObject getJavaFileForOutput(
                            Location location,
                            String name,
                            JavaFileObject.Kind kind,
                            FileObject sibling) {
                        return new SimpleJavaFileObject(
                                URI.create("string:///" + name + ".class"), kind) {
                            @Override
                            public java.io.OutputStream openOutputStream() {
                                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                                made.put(name, bytes);
                                return bytes;
                            }
                        };
                    }
                }) {
            require(
                    compiler.getTask(
                                    null,
                                    files,
                                    null,
                                    List.of("-proc:none", "-g:none"),
                                    null,
                                    List.of(unit, base))
                            .call(),
                    "javac");
        }
        byte[] bytes = made.get("J").toByteArray();
        Operation operation = new Loader().operation("J", bytes);
        long sum = sum(bytes);
        for (int i = 0; i < 200; i++) {
            sum += operation.apply(sum, i);
        }
        return sum;
    }

    // --- threads -------------------------------------------------------------------------

    private static final class Fibonacci extends RecursiveTask<Long> {
        private static final long serialVersionUID = 1;
        private final int n;

        Fibonacci(int n) {
            this.n = n;
        }

        @Override
        protected Long compute() {
            if (n < 10) {
                return n < 2 ? n : new Fibonacci(n - 1).compute() + new Fibonacci(n - 2).compute();
            }
            Fibonacci first = new Fibonacci(n - 1);
            first.fork();
            return new Fibonacci(n - 2).compute() + first.join();
        }
    }

    private static long pool(Rng rng) throws Exception {
        ForkJoinPool forks = new ForkJoinPool(threads);
        long sum = forks.invoke(new Fibonacci(20));
        forks.shutdown();
        ConcurrentHashMap<Integer, Long> map = new ConcurrentHashMap<>();
        LongAdder adder = new LongAdder();
        AtomicLong atomic = new AtomicLong();
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        List<Callable<Long>> work = new ArrayList<>();
        for (int t = 0; t < 2 * threads; t++) {
            long seed = t;
            work.add(() -> {
                Rng own = new Rng(seed);
                long x = 0;
                for (int i = 0; i < 8000 / threads; i++) {
                    long value = own.next() >>> 1;
                    map.merge((int) (value % 500), value, Long::sum);
                    adder.add(value & 7);
                    atomic.accumulateAndGet(value, (a, b) -> a ^ b);
                    x += new Node((int) value).value;
                }
                return x;
            });
        }
        for (Future<Long> future : executor.invokeAll(work)) {
            sum = sum * 31 + future.get();
        }
        executor.shutdown();
        for (int key = 0; key < 500; key++) {
            sum = mix(sum + map.getOrDefault(key, 0L));
        }
        return mix(sum + adder.sum() + atomic.get() + rng.next());
    }

    private static final class Counter {
        long value;
        int turn;

        synchronized void add(long n) {
            value += n;
        }

        /** Waits until it is the turn of {@code id}, of two. */
        synchronized void turn(int id) throws InterruptedException {
            while (turn != id) {
                wait();
            }
            turn = 1 - id;
            value = value * 3 + id;
            notifyAll();
        }
    }

    private static long locks(Rng rng) throws Exception {
        Counter counter = new Counter();
        ReentrantLock lock = new ReentrantLock();
        long[] locked = {0};
        BlockingQueue<Long> queue = new ArrayBlockingQueue<>(16);
        AtomicLong taken = new AtomicLong();
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < threads + 1; t++) {
            int id = t;
            all.add(
                    new Thread(() -> {
                        for (int i = 0; i < 6000 / (threads + 1); i++) {
                            counter.add(id + 1);
                            lock.lock();
                            try {
                                locked[0] += id * 3 + 1;
                            } finally {
                                lock.unlock();
                            }
                        }
                    }));
        }
        Counter turns = new Counter();
        for (int t = 0; t < 2; t++) {
            int id = t;
            all.add(
                    new Thread(() -> {
                        try {
                            for (long i = 0; i < 200; i++) {
                                turns.turn(id);
                                if (id == 0) {
                                    queue.put(i);
                                } else {
                                    taken.addAndGet(queue.take());
                                }
                            }
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }));
        }
        for (Thread thread : all) {
            thread.start();
        }
        for (Thread thread : all) {
            thread.join();
        }
        return mix(counter.value + 31 * locked[0] + turns.value + taken.get() + rng.next());
    }

    private static volatile int wants0;
    private static volatile int wants1;
    private static volatile int victim;
    private static volatile int ready;
    private static int unprotected;
    private static int plain0;
    private static int plain1;

    /** What x86 promises of the order of memory: Peterson's lock, and a message with its flag. */
    private static long order(Rng rng) throws Exception {
        unprotected = 0;
        ready = 0;
        AtomicLong wrong = new AtomicLong();
        int turns = 3000;
        Thread first =
                new Thread(() -> {
                    for (int i = 0; i < turns; i++) {
                        wants0 = 1;
                        victim = 0;
                        while (wants1 == 1 && victim == 0) {
                            Thread.yield();
                        }
                        unprotected++;
                        wants0 = 0;
                    }
                    for (int i = 1; i <= turns; i++) {
                        plain0 = i;
                        plain1 = -i;
                        ready = i;
                    }
                });
        Thread second =
                new Thread(() -> {
                    for (int i = 0; i < turns; i++) {
                        wants1 = 1;
                        victim = 1;
                        while (wants0 == 1 && victim == 1) {
                            Thread.yield();
                        }
                        unprotected++;
                        wants1 = 0;
                    }
                    for (int seen; (seen = ready) < turns; ) {
                        // Later values may be there already, earlier ones may not.
                        if (seen > 0 && (plain0 < seen || plain1 > -seen)) {
                            wrong.incrementAndGet();
                        }
                        Thread.yield();
                    }
                });
        first.start();
        second.start();
        first.join();
        second.join();
        require(unprotected == 2 * turns, "Peterson's lock: " + unprotected);
        require(wrong.get() == 0, "a message came before what it announces: " + wrong.get());
        return mix(rng.next() + unprotected);
    }
}
