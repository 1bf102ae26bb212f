"""TigerTag as a service: `python main.py`, or `gunicorn main:app`.

A worked example of every environment variable. A home with photos in Plex and in a folder, tagged
by the local classifier, and one section tagged by a larger model that only sees that section:

    TIGERTAG_HOME=/config                    # database, models, backups
    DB_URL=postgresql://tigertag:secret@db/tigertag      # left out: SQLite in TIGERTAG_HOME
    DB_URL_FILE=/run/secrets/db_url          # … or in a file, as any secret can be
    TIGERTAG_RULES=/config/rules.yaml        # default rules, as `tigertag rules export` prints them
    HOOK_QUIET_S=60                          # a scan of what hooks announce waits for so much quiet
    TIGERTAG_WORKERS=3                       # threads at work; left out: one a core and one more
    TIGERTAG_LEASE_S=10                      # after this time a dead process's work is taken over
    TIGERTAG_BROKER_URL=redis://redis/0      # many machines: `tigertag worker` works on scans
    TIGERTAG_BROKER_URL_FILE=/run/secrets/broker_url
    TIGERTAG_PAID_AT_ONCE=4                  # chunks at paid services at once, on all machines
    TIGERTAG_PASSWORD=correct horse          # the dashboard's; left out: generated at first start
    TIGERTAG_PASSWORD_FILE=/run/secrets/password
    TIGERTAG_API_KEY=0123456789abcdef        # REST's; left out: generated at the first start
    TIGERTAG_API_KEY_FILE=/run/secrets/api_key
    TIGERTAG_METRICS_TOKEN=fedcba9876543210  # Prometheus', for /metrics alone
    TIGERTAG_METRICS_TOKEN_FILE=/run/secrets/metrics_token
    TIGERTAG_BASE_PATH=/tigertag             # where it lives behind a proxy; left out: at the top
    TIGERTAG_TRUSTED_PROXIES=1               # proxies whose X-Forwarded-* headers are believed
    LOG_LEVEL=INFO
    LOG_FORMAT=text                          # or json: an object a line
    TZ=Europe/Paris
    KEEP_DAYS=90                             # of history; 0: all
    TIGERTAG_PUBLIC_URL=https://tags.example.org/tigertag    # for links in notices
    BACKUP=02:30                             # or off
    BACKUP_FOLDER=/mnt/nas/tigertag          # left out: backups in TIGERTAG_HOME
    HOST=127.0.0.1
    PORT=5000

    LIBRARY_PLEX_NAME=tigertag.plex          # the library `plex`
    LIBRARY_PLEX_URL=http://plex.local:32400
    LIBRARY_PLEX_TOKEN=xxxxxxxxxxxxxxxxxxxx  # any secret can come from a file, named by …_FILE
    LIBRARY_PLEX_SECTIONS=Photos,Films       # only these sections, by title or number
    LIBRARY_PLEX_FIELD=label                 # of films and shows; or genre, collection
    LIBRARY_PLEX_GENRE_FIELD=genre           # of genres; left out: where all tags go
    LIBRARY_PLEX_FOOTAGE=main                # of films; or trailer
    LIBRARY_PLEX_ROLL_UP=none                # season, show: they take the words of episodes
    LIBRARY_PLEX_PATH_MAP=/data/photos:/photos           # read from the disk what is seen there too
    LIBRARY_PLEX_MIN_BYTES=10000             # smaller files are passed over

    LIBRARY_IMMICH_NAME=tigertag.immich      # the library `immich`
    LIBRARY_IMMICH_URL=http://immich-server:2283
    LIBRARY_IMMICH_API_KEY=xxxxxxxxxxxxxxxxxxxx
    LIBRARY_IMMICH_ALBUMS=Best of,Garden     # sections of their own, by name or id
    LIBRARY_IMMICH_TAG_PARENT=TigerTag       # all of TigerTag's tags stand below it
    LIBRARY_IMMICH_INCLUDE_ARCHIVED=false    # true scans archived assets as well
    LIBRARY_IMMICH_PEOPLE=false              # true gives engines the names of people

    LIBRARY_JELLY_NAME=tigertag.jellyfin     # or tigertag.emby
    LIBRARY_JELLY_URL=http://jellyfin.local:8096
    LIBRARY_JELLY_API_KEY=xxxxxxxxxxxxxxxxxxxx
    LIBRARY_JELLY_USER=anna                  # left out: the first administrator

    LIBRARY_PHOTOS_NAME=tigertag.folder      # the library `photos`
    LIBRARY_PHOTOS_ENABLED=true
    LIBRARY_PHOTOS_PATH=/photos
    LIBRARY_PHOTOS_SECTIONS=2023,2024/summer # sub-folders, each a section; left out: one section
    LIBRARY_PHOTOS_MIN_BYTES=10000           # smaller files are passed over
    LIBRARY_PHOTOS_WATCH=preview             # scan when files were added; apply: tag them
    LIBRARY_PHOTOS_EXCLUDE=Screenshots/,*.gif # besides trash, previews …; patterns as in .gitignore
    LIBRARY_PHOTOS_SKIP_TAGS=ai-generated    # items that bear it are left alone; none: none is
    LIBRARY_PHOTOS_FRAMES=scenes             # of videos; or interval, keyframes
    LIBRARY_PHOTOS_FRAME_INTERVAL_S=5        # for FRAMES=interval
    LIBRARY_PHOTOS_MAX_FRAMES=10
    LIBRARY_PHOTOS_SCENE_THRESHOLD=27        # for FRAMES=scenes: lower finds more shots
    LIBRARY_PHOTOS_SCENES_EXACT=false        # true looks at every frame for shots

    ENGINE_LOCAL_NAME=tigertag.classifier    # the engine `local`
    ENGINE_LOCAL_ENABLED=true
    ENGINE_LOCAL_MODEL=efficientnet-lite0    # or resnet50, resnet18, or a path to an ONNX file
    ENGINE_LOCAL_MIN_CONFIDENCE=0.7          # tags below it are not given
    ENGINE_LOCAL_MAX_TAGS=10
    ENGINE_LOCAL_PREFIX=                     # put before each of its tags
    ENGINE_LOCAL_PRECISION=auto              # or f32, bf16
    ENGINE_LOCAL_DEVICE=auto                 # or cpu, cuda

    ENGINE_BIG_NAME=tigertag.resnet          # a second engine: ResNet-50, fetched at first use
    ENGINE_BIG_SECTIONS=2024/summer          # it sees these sections only
    ENGINE_BIG_ORDER=200                     # asked after those of a lower number (default 100)
    ENGINE_BIG_WEIGHTS=/config/resnet50-11ad3fa6.pth     # left out: fetched and checked
    ENGINE_BIG_WEIGHTS_URL=https://download.pytorch.org/models/

    ENGINE_BOXES_NAME=tigertag.detector      # people and things with their places
    ENGINE_BOXES_MODEL=auto                  # or yolox-nano, yolox-tiny, yolox-s, people
    ENGINE_BOXES_TAGS=common                 # or all: also what nobody looks for in photos

    ENGINE_OWN_NAME=tigertag.classifier      # a model of one's own
    ENGINE_OWN_MODEL=/config/birds.onnx
    ENGINE_OWN_LABELS=/config/birds.txt      # a label a line
    ENGINE_OWN_MEAN=0.485,0.456,0.406        # taken off red, green and blue (0 to 1)
    ENGINE_OWN_STD=0.229,0.224,0.225         # … and what they are divided by
    ENGINE_OWN_SIZE=224                      # the side of its input in pixels

    ENGINE_IMAGGA_NAME=tigertag.imagga       # a service on the web
    ENGINE_IMAGGA_API_KEY=acc_0123456789abcde
    ENGINE_IMAGGA_API_SECRET=xxxxxxxxxxxxxxxx
    ENGINE_IMAGGA_API_URL=https://api.imagga.com/v2
    ENGINE_IMAGGA_LANGUAGE=en
    ENGINE_IMAGGA_TAGGER=general_v3          # left out: the general one
    ENGINE_IMAGGA_LIMIT=50                   # labels that are asked for
    ENGINE_IMAGGA_WHEN=uncertain             # only where those before it are not sure
    ENGINE_IMAGGA_MONTHLY_LIMIT=900          # calls a month (UTC)
    ENGINE_IMAGGA_ON_LIMIT=end               # or wait for the next month

    ENGINE_FACES_NAME=tigertag.compreface    # faces, by a CompreFace of one's own
    ENGINE_FACES_API_KEY=00000000-0000-0000-0000-000000000000
    ENGINE_FACES_API_URL=http://nas
    ENGINE_FACES_API_PORT=8000
    ENGINE_FACES_FACES_FOLDER=/config/faces  # pictures of people …
    ENGINE_FACES_FACES_CONFIG=/config/faces.yaml         # … and who they are
    ENGINE_FACES_DET_PROB=0.8                # how sure it must be that a face is one

    ENGINE_FACTS_NAME=tigertag.metadata      # what the files know: places, screenshots …
    ENGINE_FACTS_TAGS=places,screenshot,panorama,drone,night
    ENGINE_FACTS_PLACES=city                 # or country, or off
    ENGINE_FACTS_PRIVATE_PLACES=48.2,16.37,500           # latitude, longitude, metres; …

    ENGINE_GENRE_NAME=tigertag.genre         # genres of videos, once a model has been learned
    ENGINE_GENRE_MODEL=default               # its name, of those that `tigertag genre list` shows

    ENGINE_VISION_NAME=tigertag.openai       # OpenAI, or a server that speaks its API
    ENGINE_VISION_API_KEY=sk-xxxxxxxxxxxxxxxx
    ENGINE_VISION_BASE_URL=http://localhost:11434/v1     # left out: OpenAI
    ENGINE_VISION_MODEL=gpt-6-luna
    ENGINE_VISION_MODE=batch                 # half the price, within a day; or now
    ENGINE_VISION_DETAIL=low                 # or high, auto
    ENGINE_VISION_LANGUAGE=en
    ENGINE_VISION_PROMPT_FILE=/config/prompt.txt
    ENGINE_VISION_PRICES=/config/prices.yaml # goes before the shipped price table
    ENGINE_VISION_MONTHLY_COST_USD=5

    SCHEDULE_NIGHTLY_CRON=0 2 * * *          # every night at 02:00, by the clocks of TZ
    SCHEDULE_NIGHTLY_LIBRARY=plex
    SCHEDULE_NIGHTLY_SECTION=Photos          # left out: every section
    SCHEDULE_NIGHTLY_MODE=changed            # or new, decide
    SCHEDULE_NIGHTLY_WRITE=apply             # left out: a preview
    SCHEDULE_NIGHTLY_ENGINES=local,faces     # left out: all
    SCHEDULE_NIGHTLY_ENABLED=true

    NOTIFY_ME_URL=mailto://user:password@example.org     # notices go there; any service of Apprise
    NOTIFY_ME_URL_FILE=/run/secrets/notify   # … or its address in a file
    NOTIFY_ME_ENABLED=true
    NOTIFY_ME_ON=scan-failed,disk-low        # left out: all but scan-finished; or all, none
    NOTIFY_ME_DIGEST=08:00                   # a summary of each day; left out: none
"""

from tigertag.cli.main import main
from tigertag.web.server import application

if __name__ == "__main__":
    main(["serve"])
else:
    app = application()
