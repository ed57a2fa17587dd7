// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * Something that happened in a guest. An event is a record; its components, in their order, are the
 * fields that it has besides the common ones (docs/trace.md). Names of components are written as
 * they are. Their types are int, long, boolean, String, Long, a List of String, {@link Content}, or
 * one of these that may be null: then the field is left out.
 */
public interface Event {
    /** What it is: the field {@code event}. */
    String kind();
}
