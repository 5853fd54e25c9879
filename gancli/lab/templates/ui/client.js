// Talks to a lab's host: in a worker made of the scripts of this page, or else on the page itself.

function workerSource() {
  return ["engine", "host"].map((id) => document.getElementById(id).textContent).join("\n");
}

class LabClient {
  /** `tables`: what the engine has to choose from. */
  constructor(tables) {
    this.waiting = new Map();
    this.count = 0;
    try {
      const address = URL.createObjectURL(new Blob([workerSource()], {type: "text/javascript"}));
      this.worker = new Worker(address);
      this.worker.onmessage = ({data}) => this.settle(data);
      this.worker.onerror = () => this.fallBack();
      this.worker.postMessage({message: {kind: "use", tables}});
    } catch {
      this.fallBack();
    }
  }

  /** Where workers are refused, the page trains by itself; what has been asked is asked again. */
  fallBack() {
    if (this.host) return;
    this.worker?.terminate();
    this.worker = null;
    this.host = new LabHost();
    for (const [id, {message}] of this.waiting) this.answerHere(id, message);
  }

  ask(message) {
    const id = ++this.count;
    return new Promise((done, failed) => {
      this.waiting.set(id, {message, done, failed});
      if (this.worker) this.worker.postMessage({id, message});
      else this.answerHere(id, message);
    });
  }

  answerHere(id, message) {
    setTimeout(() => {
      try {
        this.settle({id, answer: this.host.handle(message)});
      } catch (error) {
        this.settle({id, refusal: error.message});
      }
    });
  }

  settle({id, answer, refusal}) {
    if (!this.waiting.has(id)) return;
    const {done, failed} = this.waiting.get(id);
    this.waiting.delete(id);
    if (refusal === undefined) done(answer);
    else failed(new Error(refusal));
  }
}
