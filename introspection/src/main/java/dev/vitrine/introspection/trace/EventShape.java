// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.Set;

/** The fields of one kind of event, which are the components of its record. */
public final class EventShape {
    private static final Set<Class<?>> NUMBERS = Set.of(int.class, long.class, Long.class);
    private static final Set<Class<?>> OTHERS = Set.of(boolean.class, String.class, List.class);

    private static final ClassValue<EventShape> ALL =
            new ClassValue<>() {
                @Override
                protected EventShape computeValue(Class<?> type) {
                    return new EventShape(type);
                }
            };

    private final List<String> names;
    private final MethodHandle[] accessors;

    private EventShape(Class<?> type) {
        RecordComponent[] components = type.getRecordComponents();
        if (components == null) {
            throw new IllegalArgumentException(type + " is not a record, as an event has to be");
        }
        accessors = new MethodHandle[components.length];
        String[] all = new String[components.length];
        for (int i = 0; i < components.length; i++) {
            RecordComponent c = components[i];
            Class<?> t = c.getType();
            if (!NUMBERS.contains(t) && !OTHERS.contains(t) && !Content.class.isAssignableFrom(t)) {
                throw new IllegalArgumentException(
                        "component " + c.getName() + " of event " + type + " is of type " + t);
            }
            all[i] = c.getName();
            try {
                accessors[i] =
                        MethodHandles.privateLookupIn(type, MethodHandles.lookup())
                                .unreflect(c.getAccessor())
                                .asType(
                                        java.lang.invoke.MethodType.methodType(
                                                Object.class, Object.class));
            } catch (IllegalAccessException e) {
                throw new IllegalArgumentException(
                        "event " + type + " is in a package that is not open to Vitrine", e);
            }
        }
        names = List.of(all);
    }

    /**
     * The shape of a class of events.
     *
     * @throws IllegalArgumentException it is not a record, has components of other types than
     *     {@link Event} allows, or is in a package that is not open to this module
     */
    public static EventShape of(Class<?> type) {
        return ALL.get(type);
    }

    /** Names of the fields in their order. */
    public List<String> names() {
        return names;
    }

    /** The value of a field; null if it is left out. */
    public @Nullable Object get(Event event, int field) {
        try {
            return (Object) accessors[field].invokeExact((Object) event);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Writes a value of one of the types that events have. */
    public static void write(ValueWriter w, Object value) {
        switch (value) {
            case Long n -> w.number(n);
            case Integer n -> w.number(n);
            case String s -> w.text(s);
            case Boolean b -> w.truth(b);
            case Content c -> c.write(w);
            case List<?> list -> {
                w.beginArray();
                for (Object o : list) {
                    write(w, o);
                }
                w.endArray();
            }
            default -> throw new IllegalArgumentException("a value of " + value.getClass());
        }
    }
}
