// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.TracedEvent;

import java.util.List;
import java.util.function.Function;

/** The fields that every event has, in their order. */
enum CommonFields {
    EVENT("event", e -> e.event().kind()),
    SEQUENCE("seq", TracedEvent::sequence),
    TIME("time", TracedEvent::time),
    DOMAIN("domain", e -> ""),
    VCPU("vcpu", e -> (long) e.vcpu()),
    CR3("cr3", TracedEvent::cr3),
    PID("pid", e -> (long) e.task().pid()),
    PPID("ppid", e -> (long) e.task().ppid()),
    TID("tid", e -> (long) e.task().tid()),
    UID("uid", e -> e.task().uid()),
    COMM("comm", e -> e.task().comm()),
    EXECUTABLE("executable", e -> e.task().executable()),
    CGROUP("cgroup", e -> e.task().cgroup()),
    MOUNT_NAMESPACE("mnt_ns", e -> e.task().mountNamespace()),
    PID_NAMESPACE("pid_ns", e -> e.task().pidNamespace());

    static final List<CommonFields> ALL = List.of(values());

    private final String label;
    private final Function<TracedEvent, Object> value;

    CommonFields(String label, Function<TracedEvent, Object> value) {
        this.label = label;
        this.value = value;
    }

    /** As it is written. */
    String label() {
        return label;
    }

    /** A Long or a String; that of the domain is empty, as events do not hold it. */
    Object of(TracedEvent e) {
        return value.apply(e);
    }
}
