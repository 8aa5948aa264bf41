// SPDX-License-Identifier: Apache-2.0
// Before the first paint: the theme that the visitor chose and the shape of the pictures that were
// seen last, so that neither colours nor sizes jump.
'use strict';
try {
  const root = document.documentElement;
  const theme = localStorage.getItem('theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  const aspect = localStorage.getItem('aspect');
  if (/^\d+ \/ \d+$/.test(aspect ?? '')) root.style.setProperty('--aspect', aspect);
} catch { /* no storage here: the system's theme, 4 to 3 */ }
