// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.EventShape;
import dev.vitrine.introspection.trace.TracedEvent;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Chooses events by an expression over their fields; docs/trace.md describes the language.
 *
 * <pre>{@code
 * name == openat && args.filename ~ "/etc/*" || result < 0 && !(comm in (sh, init))
 * }</pre>
 */
public final class EventFilter implements Predicate<TracedEvent> {
    private static final int MAX_LENGTH = 4096;
    private static final int MAX_DEPTH = 64;

    private final Predicate<TracedEvent> root;

    private EventFilter(Predicate<TracedEvent> root) {
        this.root = root;
    }

    /**
     * Reads an expression.
     *
     * @param domain name of the domain, which is a field of all events
     * @param events records of the events that there may be, whose fields are known
     * @throws FilterException it is none, or has a field that no event has
     */
    public static EventFilter parse(
            String expression, String domain, List<Class<? extends Event>> events) {
        return new EventFilter(new Parser(expression, domain, events).all());
    }

    @Override
    public boolean test(TracedEvent e) {
        return root.test(e);
    }

    /** What a field is compared with. */
    private record Literal(String text, @Nullable Long number) {}

    /** The value of a field: a text, and a number if it is one. */
    private record Value(String text, @Nullable Long number) {}

    private interface Field {
        @Nullable Value of(TracedEvent e);
    }

    private static @Nullable Value value(@Nullable Object o) {
        return switch (o) {
            case null -> null;
            case Long n -> new Value(Long.toString(n), n);
            case Integer n -> new Value(Integer.toString(n), (long) n);
            case Boolean b -> new Value(b.toString(), b ? 1L : 0L);
            case Address a -> new Value("0x" + Long.toHexString(a.value()), a.value());
            case String s -> new Value(s, null);
            default -> {
                TextWriter w = new TextWriter();
                EventShape.write(w, o);
                yield new Value(w.toString(), null);
            }
        };
    }

    private static final class Parser {
        private final String s;
        private final String domain;
        private final Set<String> names = new HashSet<>();
        private int at;
        private int depth;

        Parser(String s, String domain, List<Class<? extends Event>> events) {
            this.s = s;
            this.domain = domain;
            for (CommonFields f : CommonFields.ALL) {
                names.add(f.label());
            }
            for (Class<? extends Event> e : events) {
                names.addAll(EventShape.of(e).names());
            }
        }

        private FilterException wrong(int where, String what) {
            return new FilterException(
                    "The filter is wrong at character " + (where + 1) + ": " + what + ".");
        }

        Predicate<TracedEvent> all() {
            if (s.length() > MAX_LENGTH) {
                throw wrong(MAX_LENGTH, "it is longer than " + MAX_LENGTH + " characters");
            }
            Predicate<TracedEvent> p = either();
            if (!end()) {
                throw wrong(at, "'" + s.charAt(at) + "' is not expected");
            }
            return p;
        }

        private boolean end() {
            while (at < s.length() && Character.isWhitespace(s.charAt(at))) {
                at++;
            }
            return at == s.length();
        }

        private boolean take(String token) {
            if (!end() && s.startsWith(token, at)) {
                at += token.length();
                return true;
            }
            return false;
        }

        private Predicate<TracedEvent> either() {
            Predicate<TracedEvent> p = both();
            while (take("||")) {
                p = p.or(both());
            }
            return p;
        }

        private Predicate<TracedEvent> both() {
            Predicate<TracedEvent> p = one();
            while (take("&&")) {
                p = p.and(one());
            }
            return p;
        }

        private Predicate<TracedEvent> one() {
            if (++depth > MAX_DEPTH) {
                throw wrong(at, "brackets and negations are nested too deeply");
            }
            try {
                if (take("!")) {
                    return one().negate();
                }
                if (take("(")) {
                    Predicate<TracedEvent> p = either();
                    if (!take(")")) {
                        throw wrong(at, "a ) is missing");
                    }
                    return p;
                }
                return comparison();
            } finally {
                depth--;
            }
        }

        private Predicate<TracedEvent> comparison() {
            end();
            int from = at;
            String name = word();
            if (name.isEmpty()) {
                throw wrong(
                        from, end() ? "a field is missing" : "'" + s.charAt(at) + "' is no field");
            }
            Field f = field(name, from);
            if (take("==")) {
                return compare(f, literal(), c -> c == 0, true);
            } else if (take("!=")) {
                return compare(f, literal(), c -> c != 0, true);
            } else if (take("<=")) {
                return compare(f, literal(), c -> c <= 0, false);
            } else if (take(">=")) {
                return compare(f, literal(), c -> c >= 0, false);
            } else if (take("<")) {
                return compare(f, literal(), c -> c < 0, false);
            } else if (take(">")) {
                return compare(f, literal(), c -> c > 0, false);
            } else if (take("!~")) {
                return glob(f, literal().text, false);
            } else if (take("~")) {
                return glob(f, literal().text, true);
            } else if (keyword("in")) {
                return in(f);
            }
            return e -> {
                Value v = f.of(e);
                return v != null && (v.number != null ? v.number != 0 : !v.text.isEmpty());
            };
        }

        private boolean keyword(String word) {
            int before = at;
            if (!end() && word().equals(word)) {
                return true;
            }
            at = before;
            return false;
        }

        private Predicate<TracedEvent> in(Field f) {
            if (!take("(")) {
                throw wrong(at, "a ( is missing behind in");
            }
            Predicate<TracedEvent> p = e -> false;
            do {
                p = p.or(compare(f, literal(), c -> c == 0, true));
            } while (take(","));
            if (!take(")")) {
                throw wrong(at, "a , or ) is missing");
            }
            return p;
        }

        private interface Outcome {
            boolean of(int comparison);
        }

        private static Predicate<TracedEvent> compare(
                Field f, Literal l, Outcome outcome, boolean equality) {
            return e -> {
                Value v = f.of(e);
                if (v == null) {
                    return false;
                }
                if (v.number != null && l.number != null) {
                    return outcome.of(Long.compare(v.number, l.number));
                }
                return (equality || v.number == null) && outcome.of(v.text.compareTo(l.text));
            };
        }

        private static Predicate<TracedEvent> glob(Field f, String pattern, boolean wanted) {
            return e -> {
                Value v = f.of(e);
                return v != null && Glob.matches(pattern, v.text) == wanted;
            };
        }

        private Field field(String name, int from) {
            int dot = name.indexOf('.');
            String first = dot < 0 ? name : name.substring(0, dot);
            if (!names.contains(first)) {
                throw wrong(
                        from,
                        "there is no field " + first + " in the events of the plugins chosen");
            }
            if (dot >= 0) {
                String rest = name.substring(dot + 1);
                return e -> member(own(e, first), rest);
            }
            for (CommonFields c : CommonFields.ALL) {
                if (c == CommonFields.DOMAIN && first.equals(c.label())) {
                    return e -> new Value(domain, null);
                }
                if (first.equals(c.label())) {
                    return e -> value(c.of(e));
                }
            }
            return e -> value(own(e, first));
        }

        private static @Nullable Object own(TracedEvent e, String name) {
            EventShape shape = EventShape.of(e.event().getClass());
            int i = shape.names().indexOf(name);
            return i < 0 ? null : shape.get(e.event(), i);
        }

        private static @Nullable Value member(@Nullable Object o, String name) {
            if (!(o instanceof Arguments a)) {
                return null;
            }
            int i = a.index(name);
            if (i < 0) {
                return null;
            }
            String text = a.string(name);
            return new Value(text != null ? text : a.text(i), text != null ? null : a.value(i));
        }

        private static boolean isWord(char c) {
            return Character.isLetterOrDigit(c) || c == '_' || c == '.';
        }

        private String word() {
            int from = at;
            while (at < s.length() && isWord(s.charAt(at))) {
                at++;
            }
            return s.substring(from, at);
        }

        /** A number, a text in quotes, or a word. */
        private Literal literal() {
            if (end()) {
                throw wrong(at, "a value is missing");
            }
            int from = at;
            if (s.charAt(at) == '"') {
                return new Literal(quoted(), null);
            }
            if (s.charAt(at) == '-') {
                at++;
            }
            // Names of paths and patterns need no quotes either.
            while (at < s.length()
                    && (isWord(s.charAt(at)) || "/-*?:|".indexOf(s.charAt(at)) >= 0)) {
                if (s.startsWith("||", at)) {
                    break;
                }
                at++;
            }
            String word = s.substring(from, at);
            if (word.isEmpty() || word.equals("-")) {
                throw wrong(from, "'" + s.charAt(from) + "' is no value");
            }
            return new Literal(word, number(word));
        }

        private static @Nullable Long number(String word) {
            try {
                return word.startsWith("0x")
                        ? Long.parseUnsignedLong(word.substring(2), 16)
                        : Long.parseLong(word);
            } catch (NumberFormatException e) {
                return null;
            }
        }

        private String quoted() {
            int from = at++;
            StringBuilder b = new StringBuilder();
            while (at < s.length() && s.charAt(at) != '"') {
                if (s.charAt(at) == '\\' && at + 1 < s.length()) {
                    at++;
                }
                b.append(s.charAt(at++));
            }
            if (at == s.length()) {
                throw wrong(from, "the text that begins here has no end");
            }
            at++;
            return b.toString();
        }
    }
}
