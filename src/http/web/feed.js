// SPDX-License-Identifier: Apache-2.0
// What comes in: server-sent events, begun anew when they end; the same by asking while there are
// none. A tab that nobody sees gives its connections back: a browser has only six for a server.
import { ask } from './tools.js';

const SILENT_MS = 6000; // events come twice a second
const AGAIN_MS = 2000;
const HIDDEN_MS = 3000;

export class Feed {
  // on: { status(status, sources), image(record), profile(source, point), incident(incident), state(name), began() };
  // state: "live" by events, "polling", "lost", "paused".
  constructor(on) {
    this.on = on;
    this.events = null;
    this.state = '';
    this.heardAt = 0;
    this.hiddenAt = document.hidden ? Date.now() : null;
    document.addEventListener('visibilitychange', () => this.look());
    this.open();
    setInterval(() => this.watch(), 1000);
  }

  tell(state) {
    if (state === this.state) return;
    const began = state === 'live' || (state === 'polling' && this.state !== 'live');
    this.state = state;
    this.on.state(state);
    if (began) this.on.began();
  }

  open() {
    this.close();
    this.heardAt = Date.now();
    this.events = new EventSource('/api/v1/events');
    this.listen('status', (data) => this.on.status(data.status, data.sources));
    this.listen('image', (data) => this.on.image(data));
    this.listen('incident', (data) => this.on.incident(data));
    this.listen('profile', (data) => this.on.profile(data.source, data.point));
  }

  listen(name, take) {
    this.events.addEventListener(name, (event) => {
      this.heardAt = Date.now();
      this.tell('live');
      take(JSON.parse(event.data));
    });
  }

  close() {
    this.events?.close();
    this.events = null;
  }

  look() {
    this.hiddenAt = document.hidden ? Date.now() : null;
    if (!document.hidden && this.state === 'paused') {
      this.state = '';
      this.open();
    }
  }

  // Once a second: pauses a hidden tab; where events are silent asks instead, and tries them again.
  async watch() {
    if (this.hiddenAt !== null && Date.now() - this.hiddenAt > HIDDEN_MS) {
      this.close();
      this.tell('paused');
      return;
    }
    const closed = this.events?.readyState === EventSource.CLOSED;
    const broken = this.state === 'live' && this.events?.readyState !== EventSource.OPEN;
    if (!closed && !broken && Date.now() - this.heardAt < SILENT_MS) return;
    if (this.asking || Date.now() - (this.askedAt ?? 0) < AGAIN_MS) return;
    this.asking = true;
    await this.poll();
    this.askedAt = Date.now();
    this.asking = false;
    if (this.state !== 'live' && (closed || Date.now() - this.heardAt > SILENT_MS)) this.open();
  }

  async poll() {
    try {
      const [status, sources] = await Promise.all([ask('/api/v1/status'), ask('/api/v1/sources')]);
      if (this.state !== 'live' || this.events?.readyState !== EventSource.OPEN) this.tell('polling');
      this.on.status(status, sources.sources);
      const images = await ask('/api/v1/images?limit=12');
      const incidents = await ask('/api/v1/incidents?limit=12');
      incidents.incidents.reverse().forEach((incident) => this.on.incident(incident));
      images.images.reverse().forEach((record) => this.on.image(record));
    } catch (error) {
      if (error.status === 401) location.reload(); // to the form that takes a key
      this.tell('lost');
    }
  }
}
