// The page around the terminal of textual-serve (textual.js, which is xterm.js and a WebSocket). It gives the WebSocket
// what this server asks for, and does what is not drawn: title, links, downloads, and what to do when it is closed.
"use strict";

(() => {
  const ENDED = 4000, MOVED = 4001, FULL = 4002, BROKEN = 4003;
  const LARGEST_INPUT = 1_000_000; // characters; a message has 2,000
  const RETRY_MS = 1000;
  const LOCK_MS = 1500;
  const nonce = document.currentScript.nonce;

  // xterm.js writes style elements, which the page's policy only allows with its nonce.
  const createElement = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const element = createElement(name, options);
    if (String(name).toLowerCase() === "style") {
      element.nonce = nonce;
    }
    return element;
  };

  // The link leads here with the key, which is then in the storage of this origin alone.
  if (location.hash.length > 1) {
    localStorage.setItem("globalchat-key", location.hash.slice(1));
    history.replaceState(null, "", "/");
  }
  const key = localStorage.getItem("globalchat-key") ?? "";

  let reason = ""; // why the chat ended, as the server says
  let identity = "";

  function show(sentence, canOpenAgain) {
    document.getElementById("sentence").textContent = sentence;
    document.getElementById("again").hidden = !canOpenAgain;
    document.getElementById("notice").hidden = false;
    if (canOpenAgain) {
      document.getElementById("again").focus();
    }
  }

  // A copied tab has the storage of its original; the lock of the original says that it is open.
  function hold(name) {
    if (!navigator.locks) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const opened = (lock) => {
        resolve(lock !== null);
        return new Promise(() => {}); // until the page is closed
      };
      // A page that is loaded again may still hold it for a moment.
      navigator.locks.request(name, { signal: AbortSignal.timeout(LOCK_MS) }, opened).catch(() => resolve(false));
    });
  }

  async function findIdentity() {
    const kept = sessionStorage.getItem("tab");
    if (kept && (await hold("tab-" + kept))) {
      return kept;
    }
    sessionStorage.removeItem("slot");
    const fresh = crypto.randomUUID().replaceAll("-", "");
    sessionStorage.setItem("tab", fresh);
    await hold("tab-" + fresh);
    return fresh;
  }

  function receive([kind, value]) {
    switch (kind) {
      case "slot":
        sessionStorage.setItem("slot", value);
        break;
      case "title":
        document.title = value;
        break;
      case "open":
        window.open(value, "_blank", "noopener,noreferrer");
        break;
      case "download": {
        const link = createElement("a");
        link.href = "/download/" + encodeURIComponent(value);
        link.download = "";
        link.click();
        break;
      }
      case "ended":
        reason = value.join("\n");
        break;
    }
  }

  async function reconnect() {
    show("The connection broke. The chat opens again as soon as the server answers …", false);
    for (;;) {
      try {
        const answer = await fetch("/alive");
        if (answer.status === 204) {
          return location.reload();
        }
        if (answer.status === 403) {
          return show(await answer.text(), false);
        }
      } catch {
        // There is no server at the moment.
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  function closed(code) {
    document.title = "globalchat: not connected";
    switch (code) {
      case ENDED:
        return show(reason || "The chat has ended.", true);
      case BROKEN:
        return show(reason || "The chat ended unexpectedly.", true);
      case FULL:
        return show(reason, true);
      case MOVED:
        return show("This chat was opened again elsewhere.", true);
      default:
        return reconnect();
    }
  }

  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(address) {
      const url = new URL(address);
      url.searchParams.set("tab", identity);
      const slot = sessionStorage.getItem("slot");
      if (slot) {
        url.searchParams.set("slot", slot);
      }
      super(url, ["globalchat", "key." + key]);
      super.addEventListener("close", (event) => closed(event.code));
      super.addEventListener("message", (event) => {
        if (typeof event.data === "string") {
          receive(JSON.parse(event.data));
        }
      });
    }

    // The terminal gets what is drawn, and nothing else.
    addEventListener(type, listener) {
      const drawn = (event) => typeof event.data === "string" || listener(event);
      super.addEventListener(type, type === "message" ? drawn : listener);
    }

    send(data) {
      if (this.readyState === Native.OPEN && data.length <= LARGEST_INPUT) {
        super.send(data);
      }
    }
  };

  // Ctrl+V pastes: the terminal would send it as a control character.
  window.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey && !event.altKey && !event.metaKey && event.code === "KeyV") {
        event.stopImmediatePropagation();
      }
    },
    true,
  );

  window.addEventListener("load", async () => {
    document.getElementById("again").addEventListener("click", () => location.reload());
    if (!key) {
      show("This page has no valid key. Open the link that `globalchat web` printed in this browser.", false);
      return;
    }
    identity = await findIdentity();
    // The terminal measures its font once.
    await Promise.all(["", "bold ", "italic "].map((style) => document.fonts.load(style + "15px 'Roboto Mono'")));
    const script = createElement("script");
    script.nonce = nonce;
    script.src = "/assets/textual.js";
    // It starts when the page is loaded, which it is.
    script.addEventListener("load", () => {
      window.onload(new Event("load"));
      document.querySelector(".xterm-helper-textarea")?.focus();
    });
    document.head.append(script);
  });
})();
