// The search of the site runs in a worker. A page that was opened from disk may have none: there a frame is it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const waiting = [];
      const frame = document.createElement("iframe");
      this.postMessage = (data) => waiting.push(data);
      frame.hidden = true;
      frame.addEventListener("load", () => {
        const inside = frame.contentWindow;
        const script = inside.document.createElement("script");
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        script.src = new URL(url, location.href).href;
        script.addEventListener("load", () => {
          this.postMessage = (data) => inside.dispatchEvent(new MessageEvent("message", { data }));
          waiting.forEach(this.postMessage);
        });
        inside.document.body.append(script);
      }, { once: true });
      document.documentElement.append(frame);
    }
  };
}
