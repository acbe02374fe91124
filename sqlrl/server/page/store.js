// Store: what the browser keeps for this page. Where it may keep nothing (a private window, a full disk), the page works
// all the same and forgets.

class Store {
  constructor(kind) {
    this.kind = kind;
    this.own = new Map();
  }

  get(key) {
    try {
      return globalThis[this.kind].getItem(`sqlrl.${key}`) ?? this.own.get(key) ?? null;
    } catch {
      return this.own.get(key) ?? null;
    }
  }

  set(key, value) {
    this.own.set(key, value);
    try {
      globalThis[this.kind].setItem(`sqlrl.${key}`, value);
      this.own.delete(key);
    } catch { /* kept for as long as the page is open */ }
  }

  remove(key) {
    this.own.delete(key);
    try {
      globalThis[this.kind].removeItem(`sqlrl.${key}`);
    } catch { /* nothing was kept */ }
  }
}

export const lasting = new Store("localStorage");
export const passing = new Store("sessionStorage"); // until the tab is closed
