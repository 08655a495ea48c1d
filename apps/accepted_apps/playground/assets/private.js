// Tries every way a script has to reach the addresses of the page, and writes down how each ended.
(function () {
  "use strict";
  const list = document.getElementById("attempts");
  const targets = document.currentScript.dataset.targets.split(" ");

  function settle(start) {
    return new Promise(function (resolve) {
      // Some ways neither succeed nor fail when they are stopped half-way.
      window.setTimeout(resolve, 2000, "no answer");
      start(resolve);
    });
  }

  const ways = {
    fetch: (url, end) => fetch(url, { mode: "no-cors" }).then(() => end("reached"), () => end("refused")),
    XMLHttpRequest: (url, end) => {
      const request = new XMLHttpRequest();
      request.onload = () => end("reached");
      request.onerror = () => end("refused");
      request.open("GET", url);
      request.send();
    },
    WebSocket: (url, end) => {
      const socket = new WebSocket(url.replace("http:", "ws:"));
      socket.onopen = () => end("reached");
      socket.onerror = () => end("refused");
    },
    EventSource: (url, end) => {
      const source = new EventSource(url);
      source.onopen = () => end("reached");
      source.onerror = () => { source.close(); end("refused"); };
    },
    image: (url, end) => {
      const image = new Image();
      image.onload = () => end("reached");
      image.onerror = () => end("refused, or no image");
      image.src = url;
    },
    beacon: (url, end) => end(navigator.sendBeacon(url, "hello") ? "sent off" : "refused"),
  };

  async function attempt(name, target) {
    const outcome = await settle((end) => ways[name](`${target}/${name}`, end));
    const item = document.createElement("li");
    item.textContent = `${name} ${target}: ${outcome}`;
    list.append(item);
  }

  const attempts = targets.flatMap((target) => Object.keys(ways).map((name) => attempt(name, target)));
  Promise.all(attempts).then(function () { document.documentElement.dataset.attempts = "done"; });
})();
