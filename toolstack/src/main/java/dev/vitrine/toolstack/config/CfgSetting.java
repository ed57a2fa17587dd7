// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

/**
 * One option of an xl.cfg file, as the last assignment to it left it.
 *
 * @param name the option's name
 * @param value its value
 * @param added whether {@code +=} made it; xl does not take such a value as a number
 * @param line the line of the last assignment, from 1
 */
public record CfgSetting(String name, CfgValue value, boolean added, int line) {}
