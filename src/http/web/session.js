// SPDX-License-Identifier: Apache-2.0
// Who the visitor is to this server: what the key allows, and the way out.
import { ask, byId } from './tools.js';

export const session = {
  mayWrite: true, // until the server says otherwise; it refuses in any case

  begin() {
    byId('leave').addEventListener('click', async () => {
      await fetch('/api/v1/session', { method: 'DELETE' }).catch(() => {});
      location.assign('/');
    });
  },

  async learn() {
    const known = await ask('/api/v1/session').catch(() => ({ key_required: false, role: 'write' }));
    this.mayWrite = known.role === 'write';
    byId('leave').hidden = !known.key_required;
    byId('wishes').disabled = !this.mayWrite;
    byId('reader').hidden = this.mayWrite;
  },
};
